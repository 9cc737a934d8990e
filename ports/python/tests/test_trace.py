"""What the emitter writes; `lastbyte trace check` holds it to the contract in CI."""

import json
import os
import unittest

import lastbyte
from lastbyte import After, Execution, Idle, Limit, Policy

#: Where CI wants the trace, to check it.
KEPT = os.environ.get("LASTBYTE_TRACE")


class Trace(unittest.TestCase):
    def setUp(self) -> None:
        self.lines = []

    def trace(self, line: str) -> None:
        self.lines.append(json.loads(line))
        if KEPT:
            with open(KEPT, "a") as file:
                file.write(line)

    def run_script(self, script: str, **options: object) -> None:
        lastbyte.run(["sh", "-c", script], trace=self.trace, **options)

    def test_a_trace_says_what_happened_in_order(self) -> None:
        self.run_script("echo hi; echo oops >&2; exit 3")
        events = [line["event"] for line in self.lines]
        self.assertEqual((events[0], events[-1]), ("spawn", "exit"))
        self.assertEqual((events.count("read"), events.count("chunk")), (2, 2))
        self.assertEqual(events.count("reap"), 1)
        self.assertEqual(self.lines[0]["outputs"], ["stdout", "stderr"])
        self.assertEqual(self.lines[-1]["status"], {"code": 3})
        self.assertEqual(self.lines[-1]["streams"]["stderr"]["delivered"], 5)

    def test_histories_of_every_kind(self) -> None:
        zero = After(0)
        self.run_script("echo hi; sleep 5 & exit", policy=Policy(drain=zero))
        stubborn = "trap '' TERM; echo hi; while :; do sleep 0.02; done"
        self.run_script(stubborn, policy=Policy(timeout=50, kill_grace=50, drain=zero))
        self.run_script(stubborn, policy=Policy(timeout=50, kill_grace=50, kill_target="leader"))
        self.run_script("head -c 100000 /dev/urandom", policy=Policy(buffer_bytes_max=1000))
        self.run_script("head -c 1000 /dev/zero; kill -9 $$", policy=Policy(limit=Limit(10, "keep_tail", 5)))
        self.run_script("echo hi; echo oops >&2", streams="pty")
        self.run_script("echo hi; echo oops >&2", streams="combined")
        Execution(["sleep", "60"], trace=self.trace).close()
        with Execution(["sh", "-c", "yes; exit"], trace=self.trace) as it:
            it.discard("stderr")
            it.next()
            it.kill()
            it.wait()
        with self.assertRaises(lastbyte.StartError):
            Execution(["no-such-program"], trace=self.trace)
        self.assertEqual(len({line["execution"] for line in self.lines}), 10)

    def test_a_trace_of_steps_says_each_with_its_time(self) -> None:
        def run(script: str, **policy: object) -> None:
            self.run_script(script, trace_steps=True, policy=Policy(**policy))

        run("echo hi; echo oops >&2; exit 3")
        self.assertEqual(self.lines[0]["event"], "machine")
        self.assertEqual(self.lines[0]["outputs"], ["stdout", "stderr"])
        steps = self.lines[1:]
        self.assertTrue(all(line["event"] == "step" and line["at"] > 0 for line in steps))
        self.assertEqual(steps[0]["input"], "started")
        self.assertIn("chunk stdout hi\n", [line["input"] for line in steps])
        self.assertIn("exit exited 3", [line for step in steps for line in step["follows"]])

        run("echo hi; sleep 5 & exit", drain=Idle(30, 5000))
        run("exec 2>&-; timeout 2 yes & exit", drain=Idle(100, 200), buffer_bytes_max=4096)
        run("trap '' TERM; echo hi; while :; do sleep 0.02; done", timeout=50, kill_grace=50)
        limit = Limit(50000, "keep_tail", 9)
        run("head -c 100000 /dev/zero", buffer_bytes_max=1000, limit=limit)
        Execution(["sleep", "60"], trace=self.trace, trace_steps=True).close()
        self.assertEqual(len({line["execution"] for line in self.lines}), 6)


if __name__ == "__main__":
    unittest.main()
