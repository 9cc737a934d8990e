// What index.d.ts promises, held by the compiler: each line compiles, or is an error where it says so.

import {
  Execution, Illegal, Machine, StartError, defaultPolicy, output, spawn,
  type End, type Event, type Policy, type Status, type Step, type Terminal,
} from '../index.js';

/** A function of every case: one that is added without its name here does not compile. */
function never(value: never): never {
  throw new TypeError(`unexpected ${JSON.stringify(value)}`);
}

export function told(status: Status): string {
  switch (status.kind) {
    case 'exited': return `code ${status.code.toFixed()}`;
    case 'signaled': return `signal ${status.signal.toFixed()}${status.core ? ' core' : ''}`;
    case 'unknown': return `errno ${status.errno.toFixed()}`;
    case 'lost':
    case 'forced': return status.kind;
    default: return never(status);
  }
}

export function bytes(event: Event): number {
  switch (event.kind) {
    case 'chunk': return event.chunk.length;
    case 'gap': return event.bytes;
    case 'end': return event.end.kind === 'read_error' ? event.end.errno : 0;
    case 'exit': return event.terminal.streams.stdout?.delivered ?? 0;
    default: return never(event);
  }
}

export function why(end: End): string {
  switch (end.kind) {
    case 'cut': return end.cut.toUpperCase();
    case 'read_error': return end.errno.toFixed();
    case 'eof':
    case 'discarded':
    case 'limit': return end.kind;
    default: return never(end);
  }
}

export async function uses(): Promise<Terminal> {
  const policy: Partial<Policy> = { drain: { kind: 'idle', gap: 1, max: 2 }, timeout: null };
  const execution: Execution = await spawn('sh', ['-c', 'true'], { policy, stdin: 'pipe' });
  execution.stdin?.end('input');
  execution.on('chunk', ({ stream, chunk }) => chunk.toString(stream === 'stdout' ? 'utf8' : 'hex'));
  execution.on('exit', ({ terminal }) => told(terminal.status));
  for await (const event of execution) bytes(event);
  const { stdout, terminal } = await output('true');
  stdout.equals(stdout);
  const killed: number | undefined = terminal.cause.killedByUs?.signal;
  execution.signal(killed ?? 'SIGTERM');
  return execution.wait();
}

export function machine(): Step {
  const it = new Machine('separate', { ...defaultPolicy(), bufferFull: { kind: 'gap' } });
  it.step({ kind: 'started' });
  try {
    it.step({ kind: 'timeout', timer: 'idle stdout' });
  } catch (error) {
    if (error instanceof Illegal) error.why.startsWith('timer');
  }
  it.step({ kind: 'reap', status: { kind: 'exited', code: 0 }, standing: { stdout: 3 } });
  return it.step({ kind: 'chunk', stream: 'stdout', chunk: Buffer.from('abc') });
}

export function stage(error: unknown): string {
  return error instanceof StartError ? `${error.stage} ${error.code} ${error.errno.toFixed()}` : '';
}

// What must not compile.

// @ts-expect-error: there is no such drain.
export const drain: Partial<Policy> = { drain: { kind: 'soon' } };
// @ts-expect-error: an idle drain has a cap.
export const cap: Partial<Policy> = { drain: { kind: 'idle', gap: 1 } };
// @ts-expect-error: a kept tail has a size.
export const tail: Partial<Policy> = { limit: { bytesMax: 1, over: 'keep_tail' } };
// @ts-expect-error: a code is no status.
export const code: Status = { kind: 'exited', signal: 9 };
// @ts-expect-error: an option that there is not.
export const option = spawn('true', [], { timeout: 5 });
// @ts-expect-error: an input that there is not.
export const input = new Machine('stdout').step({ kind: 'finish' });
// @ts-expect-error: no such signal.
export const signal = (it: Execution) => it.signal('SIGNOTHING');
// @ts-expect-error: executions are made by `spawn`.
export const made = new Execution();
