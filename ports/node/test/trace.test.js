// What the emitter writes; `lastbyte trace check` holds it to the contract in CI.

import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { test } from 'node:test';
import { output, spawn } from '../index.js';

/** Where CI wants the trace, to check it. */
const kept = process.env.LASTBYTE_TRACE;

test('a trace says what happened, in order', async () => {
  const lines = [];
  const trace = (line) => {
    lines.push(JSON.parse(line));
    if (kept) appendFileSync(kept, line);
  };
  await output('sh', ['-c', 'echo hi; echo oops >&2; exit 3'], { trace });
  const events = lines.map(({ event }) => event);
  assert.equal(events[0], 'spawn');
  assert.equal(events.at(-1), 'exit');
  assert.deepEqual(events.filter((event) => event === 'chunk').length, 2);

  const policy = { timeout: 50, killGrace: 50, drain: { kind: 'after', max: 0 } };
  await output('sh', ['-c', "trap '' TERM; echo hi; while :; do sleep 0.02; done"], { trace, policy });
  await output('sh', ['-c', 'echo hi; sleep 5 & exit'], { trace, policy: { drain: policy.drain } });
  await output('sh', ['-c', 'head -c 100000 /dev/zero'], { trace, policy: { bufferBytesMax: 1000 } });
  const closed = await spawn('sh', ['-c', 'sleep 60'], { trace });
  closed.close();
  await closed.wait();
  await assert.rejects(spawn('no-such-program', [], { trace }));
  assert.equal(new Set(lines.map(({ execution }) => execution)).size, 6);
});

test('a trace of steps says each, with its time', async () => {
  const lines = [];
  const trace = (line) => {
    lines.push(JSON.parse(line));
    if (kept) appendFileSync(kept, line);
  };
  const run = (script, policy = {}) =>
    output('sh', ['-c', script], { trace, traceSteps: true, policy });
  await run('echo hi; echo oops >&2; exit 3');
  assert.equal(lines[0].event, 'machine');
  assert.deepEqual(lines[0].outputs, ['stdout', 'stderr']);
  assert.ok(lines.slice(1).every(({ event, at }) => event === 'step' && typeof at === 'number'));
  assert.ok(lines.some(({ input }) => input === 'chunk stdout hi\n'));
  assert.ok(lines.some(({ input }) => input?.startsWith('reap exited 3')));
  assert.ok(lines.some(({ follows }) => follows?.includes('exit exited 3')));

  await run('echo hi; sleep 5 & exit', { drain: { kind: 'idle', gap: 30, max: 5000 } });
  await run('exec 2>&-; timeout 2 yes & exit', { drain: { kind: 'idle', gap: 100, max: 200 }, bufferBytesMax: 4096 });
  await run("trap '' TERM; echo hi; while :; do sleep 0.02; done", { timeout: 50, killGrace: 50 });
  await run('head -c 100000 /dev/zero', { bufferBytesMax: 1000, limit: { bytesMax: 50000, over: 'keep_tail', tail: 9 } });
  const closed = await spawn('sleep', ['60'], { trace, traceSteps: true });
  closed.close();
  await closed.wait();
  assert.equal(new Set(lines.map(({ execution }) => execution)).size, 6);
});
