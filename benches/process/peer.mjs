// Node: child_process, by its events and by execFile.

import { execFile, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

const [what, number, strideText, child] = process.argv.slice(3);
const stride = Number(strideText);
const count = Number(number);

const table = Uint32Array.from({ length: 256 }, (_, place) => {
  let crc = place;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});
let crc = -1;
let skip = 0;
let bytes = 0;

function take(chunk) {
  bytes += chunk.length;
  for (; skip < chunk.length; skip += stride) {
    crc = table[(crc ^ chunk[skip]) & 255] ^ (crc >>> 8);
  }
  skip -= chunk.length;
}

function run(program, args, onChunk) {
  return new Promise((resolve, reject) => {
    const running = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    running.stdout.on('data', onChunk);
    running.stderr.resume();
    running.on('error', reject);
    running.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`exit ${code}`))));
  });
}

function collect(args) {
  return new Promise((resolve, reject) => {
    const options = { encoding: 'buffer', maxBuffer: Infinity };
    execFile(child, args, options, (error, stdout) => (error ? reject(error) : resolve(stdout)));
  });
}

const began = process.hrtime.bigint();
let collected;
if (what === 'echo') {
  for (let place = 0; place < count; place += 1) await run('echo', ['hi'], take);
} else if (what === 'many') {
  const nap = ['-c', 'echo hi; exec sleep 1'];
  await Promise.all(Array.from({ length: count }, () => run('sh', nap, take)));
} else if (what === 'collect') {
  collected = await collect(['--write', number]);
} else {
  await run(child, [what === 'lines' ? '--lines' : '--write', number], take);
}
const seconds = Number(process.hrtime.bigint() - began) / 1e9;
if (collected) take(collected);
const status = readFileSync('/proc/self/status', 'utf8');
const of = (name) => status.match(new RegExp(`^${name}:\\s*(\\d+)`, 'm'))[1];
console.log(seconds, bytes, ~crc >>> 0, of('VmHWM'), of('voluntary_ctxt_switches'));
