// The front end on real processes: no byte lost, no hang, no guess.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { StartError, output, spawn } from '../index.js';

const sh = (script, options) => output('sh', ['-c', script], options);
const exited = (code) => ({ kind: 'exited', code });

test('c01 no echo is lost', async () => {
  for (let round = 0; round < 20; round += 1) {
    const runs = await Promise.all(Array.from({ length: 10 }, () => sh('echo hello; exit 3')));
    for (const { stdout, terminal } of runs) {
      assert.equal(stdout.toString(), 'hello\n');
      assert.deepEqual(terminal.status, exited(3));
    }
  }
});

test('c03 a large binary output is whole', async () => {
  const { stdout, terminal } = await output('head', ['-c', '20000000', '/dev/urandom'], {});
  assert.equal(stdout.length, 20_000_000);
  assert.equal(terminal.streams.stdout.end.kind, 'eof');
  const numbered = await sh("awk 'BEGIN{for(i=1;i<=300000;i++)print i}'");
  const expected = Array.from({ length: 300_000 }, (_, i) => `${i + 1}\n`).join('');
  assert.ok(numbered.stdout.equals(Buffer.from(expected)));
});

test('c12 both streams come, however large', async () => {
  const { stdout, stderr } = await sh('head -c 3000000 /dev/zero >&2; head -c 3000000 /dev/zero');
  assert.deepEqual([stdout.length, stderr.length], [3_000_000, 3_000_000]);
});

test('c03 writes of one byte come in order', async () => {
  const script = 'i=0; while [ $i -lt 300 ]; do printf $((i%10)); i=$((i+1)); done';
  const { stdout } = await sh(script);
  assert.equal(stdout.toString(), '0123456789'.repeat(30));
});

test('c03 bytes are no text', async () => {
  const { stdout } = await sh(String.raw`printf '\000\377\303\050\r\nend'`);
  assert.deepEqual([...stdout], [0, 255, 0xc3, 0x28, 13, 10, 101, 110, 100]);
});

for (const [name, drain, cut] of [
  ['after zero', { kind: 'after', max: 0 }, 'after'],
  ['after', { kind: 'after', max: 50 }, 'after'],
  ['idle', { kind: 'idle', gap: 50, max: 5000 }, 'idle'],
  ['idle at once', { kind: 'idle', gap: 0, max: 5000 }, 'idle'],
  ['the cap of idle', { kind: 'idle', gap: 0, max: 0 }, 'max'],
]) {
  test(`c06 a held pipe ends by ${name}`, async () => {
    const { stdout, terminal } = await sh('echo hi; sleep 30 & exit 4', { policy: { drain } });
    assert.equal(stdout.toString(), 'hi\n');
    assert.deepEqual(terminal.status, exited(4));
    const { end, held } = terminal.streams.stdout;
    assert.deepEqual(end, { kind: 'cut', cut });
    assert.ok(held);
  });
}

test('c06 until eof waits for whoever holds the pipe', async () => {
  const policy = { drain: { kind: 'until_eof' } };
  const { stdout } = await sh('echo hi; (sleep 0.3; echo late) & exit', { policy });
  assert.equal(stdout.toString(), 'hi\nlate\n');
});

test('c07 a bound of zero cuts no byte of the root', async () => {
  const policy = { drain: { kind: 'after', max: 0 } };
  for (let round = 0; round < 20; round += 1) {
    const { stdout } = await sh('sleep 30 & head -c 100000 /dev/zero', { policy });
    assert.equal(stdout.length, 100_000);
  }
});

test('c06 a descendant that never falls silent is cut at the cap', async () => {
  const policy = { drain: { kind: 'idle', gap: 1500, max: 1600 }, bufferFull: { kind: 'pause' } };
  const execution = await spawn('sh', ['-c', 'yes & exit 0'], { policy });
  let terminal;
  for await (const event of execution) if (event.kind === 'exit') terminal = event.terminal;
  assert.equal(terminal.streams.stdout.end.cut, 'max');
  process.kill(-execution.pid, 'SIGKILL');
});

test('c16 a root that ignores SIGTERM is killed after the grace period', async () => {
  const script = "trap '' TERM; echo up; while :; do sleep 0.05; done";
  const execution = await spawn('sh', ['-c', script], { policy: { killGrace: 100 } });
  let terminal;
  for await (const event of execution) {
    if (event.kind === 'chunk') execution.kill();
    if (event.kind === 'exit') terminal = event.terminal;
  }
  assert.deepEqual(terminal.status, { kind: 'signaled', signal: 9, core: false });
  assert.deepEqual(terminal.cause.killedByUs, { signal: 15, escalated: true });
  assert.ok(terminal.cause.cancelled);
});

test('c10 a timeout is the cause', async () => {
  const { terminal } = await sh('exec sleep 60', { policy: { timeout: 50 } });
  assert.deepEqual(terminal.status, { kind: 'signaled', signal: 15, core: false });
  assert.ok(terminal.cause.timedOut);
});

test('c09 death by a signal is no code', async () => {
  const { terminal } = await sh('kill -SEGV $$');
  assert.deepEqual([terminal.status.kind, terminal.status.signal], ['signaled', 11]);
  assert.deepEqual((await sh('exit 139')).terminal.status, exited(139));
});

test('c17 stdin comes in order and ends', async () => {
  const execution = await spawn('sh', ['-c', 'cat; echo end'], { stdin: 'pipe' });
  execution.stdin.write('one ');
  execution.stdin.end('two ');
  assert.equal((await execution.output()).stdout.toString(), 'one two end\n');
  assert.equal((await sh('cat; echo end')).stdout.toString(), 'end\n');
});

test('c17 a broken pipe of stdin fails nothing', async () => {
  const execution = await spawn('sh', ['-c', 'exec <&-; echo hi'], { stdin: 'pipe' });
  execution.stdin.end(Buffer.alloc(1_000_000));
  assert.equal((await execution.output()).stdout.toString(), 'hi\n');
});

test('c16 a kill that races the exit is done or a no-op, and loses nothing', async () => {
  for (let round = 0; round < 60; round += 1) {
    const execution = await spawn('sh', ['-c', 'echo hi']);
    const events = [];
    for await (const event of execution) {
      events.push(event);
      if (event.kind === 'chunk') assert.ok(['done', 'already_exited'].includes(execution.kill()));
    }
    assert.equal(execution.kill(), 'already_exited');
    const kinds = events.map((event) => event.kind);
    assert.deepEqual(kinds.filter((kind) => kind === 'exit'), ['exit']);
    assert.equal(kinds.at(-1), 'exit');
    const { cause, status } = events.at(-1).terminal;
    assert.equal(status.kind === 'signaled' ? cause.cancelled : true, true);
  }
});

test('c14 a refused start says its stage and errno', async () => {
  const refused = (program, options) => spawn(program, [], options).then(
    () => assert.fail('it starts'),
    (error) => {
      assert.ok(error instanceof StartError);
      return [error.stage, error.code, error.errno];
    },
  );
  assert.deepEqual(await refused('no-such-program'), ['lookup', 'ENOENT', 2]);
  assert.deepEqual(await refused('/no/such/program'), ['lookup', 'ENOENT', 2]);
  const folder = mkdtempSync(join(tmpdir(), 'lastbyte-'));
  writeFileSync(join(folder, 'script'), '#!/no/such/interpreter\n', { mode: 0o755 });
  assert.deepEqual(await refused(join(folder, 'script')), ['exec', 'ENOENT', 2]);
  const env = { PATH: folder };
  assert.deepEqual(await refused('script', { env }), ['exec', 'ENOENT', 2]);
  rmSync(folder, { recursive: true });
  assert.deepEqual(await refused('/etc/passwd'), ['permission', 'EACCES', 13]);
  assert.deepEqual(await refused('sh', { cwd: '/no/such/folder' }), ['chdir', 'ENOENT', 2]);
});

test('c04 waits early and late have one outcome, after the terminal', async () => {
  const execution = await spawn('sh', ['-c', 'echo hi; exit 5']);
  let over = false;
  const early = execution.wait().then((terminal) => {
    assert.ok(over);
    return terminal;
  });
  assert.deepEqual(await execution.exited(), exited(5));
  for (;;) {
    const event = await execution.next();
    over ||= event?.kind === 'exit';
    if (event === null) break;
  }
  assert.deepEqual(await early, await execution.wait());
});

test('c11 whoever leaves the loop has closed the execution', async () => {
  const execution = await spawn('sh', ['-c', 'echo hi; sleep 60']);
  for await (const event of execution) if (event.kind === 'chunk') break;
  const { status } = await execution.wait();
  assert.deepEqual([status.kind, status.signal], ['signaled', 9]);
});

test('c01 listeners get every event, the exit last', async () => {
  const execution = await spawn('sh', ['-c', 'echo hi; echo oops >&2']);
  const kinds = [];
  await new Promise((resolve) => {
    execution.on('chunk', ({ stream }) => kinds.push(stream));
    execution.on('end', ({ end }) => kinds.push(end.kind));
    execution.on('exit', resolve);
  });
  assert.deepEqual(kinds.sort(), ['eof', 'eof', 'stderr', 'stdout']);
});

test('c12 a slow consumer bounds what is buffered', async () => {
  const policy = { bufferBytesMax: 1000 };
  const { stdout } = await sh('head -c 300000 /dev/zero', { policy });
  assert.equal(stdout.length, 300_000);
});
