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
