"""Python: the subprocess module, and asyncio's subprocesses."""

import asyncio
import subprocess
import sys
import time
import zlib

BLOCK = 64 * 1024


class Sampler:
    def __init__(self, stride):
        self.stride, self.skip, self.crc, self.bytes = stride, 0, 0, 0

    def take(self, chunk):
        length = len(chunk)
        self.bytes += length
        sampled = chunk[self.skip :: self.stride]
        self.crc = zlib.crc32(sampled, self.crc)
        self.skip += len(sampled) * self.stride - length


def command(what, number, child):
    if what == "echo":
        return ["echo", "hi"]
    return [child, "--lines" if what == "lines" else "--write", str(number)]


def blocking(what, number, sampler, child):
    argv = command(what, number, child)
    if what == "echo":
        for _ in range(number):
            done = subprocess.run(argv, capture_output=True, check=True)
            sampler.take(done.stdout)
    elif what == "collect":
        done = subprocess.run(argv, capture_output=True, check=True)
        return done.stdout
    else:
        import threading

        with subprocess.Popen(argv, stdout=-1, stderr=-1, bufsize=0) as process:
            errors = threading.Thread(target=process.stderr.read)
            errors.start()
            while chunk := process.stdout.read(BLOCK):
                sampler.take(chunk)
            errors.join()
        assert process.returncode == 0
    return None


async def start(argv):
    return await asyncio.create_subprocess_exec(
        *argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


async def concurrent(what, number, sampler, child):
    argv = command(what, number, child)
    if what == "echo":
        for _ in range(number):
            out, _ = await (await start(argv)).communicate()
            sampler.take(out)
    elif what == "many":
        napping = ["sh", "-c", "echo hi; exec sleep 1"]
        processes = [await start(napping) for _ in range(number)]
        for out, _ in await asyncio.gather(*(each.communicate() for each in processes)):
            sampler.take(out)
    elif what == "collect":
        out, _ = await (await start(argv)).communicate()
        return out
    else:
        process = await start(argv)
        errors = asyncio.create_task(process.stderr.read())
        while chunk := await process.stdout.read(BLOCK):
            sampler.take(chunk)
        await errors
        assert await process.wait() == 0
    return None


def of_status(name):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(name))


def main():
    kind, what, number, stride, child = sys.argv[1:]
    sampler = Sampler(int(stride))
    began = time.perf_counter()
    if kind == "asyncio":
        collected = asyncio.run(concurrent(what, int(number), sampler, child))
    else:
        collected = blocking(what, int(number), sampler, child)
    seconds = time.perf_counter() - began
    if collected is not None:
        sampler.take(collected)
    switches = of_status("voluntary_ctxt_switches:")
    print(seconds, sampler.bytes, sampler.crc, of_status("VmHWM:"), switches)


main()
