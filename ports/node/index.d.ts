// Types of the port.

import type { EventEmitter } from 'node:events';
import type { Writable } from 'node:stream';

export type StreamId = 'stdout' | 'stderr';

/** How the root ended: evidence, never a guess. */
export type Status =
  | { kind: 'exited'; code: number }
  | { kind: 'signaled'; signal: number; core: boolean }
  | { kind: 'unknown'; errno: number }
  | { kind: 'lost' }
  | { kind: 'forced' };

/** How a stream ended. */
export type End =
  | { kind: 'eof' }
  | { kind: 'cut'; cut: 'after' | 'idle' | 'max' | 'close' | 'shutdown' }
  | { kind: 'read_error'; errno: number }
  | { kind: 'discarded' }
  | { kind: 'limit' };

export interface Report {
  end: End;
  delivered: number;
  dropped: number;
  /** Somebody held the stream when we stopped reading. */
  held: boolean;
}

export interface Cause {
  timedOut: boolean;
  cancelled: boolean;
  outputLimit: boolean;
  stalled: boolean;
  killedByUs: { signal: number; escalated: boolean } | null;
}

/** The last event: how it ended, why, and how complete each stream is. */
export interface Terminal {
  status: Status;
  cause: Cause;
  streams: Partial<Record<StreamId, Report>>;
}

export type Event =
  | { kind: 'chunk'; stream: StreamId; chunk: Buffer }
  | { kind: 'gap'; stream: StreamId; bytes: number }
  | { kind: 'end'; stream: StreamId; end: End }
  | { kind: 'exit'; terminal: Terminal };

/** Times are in milliseconds. */
export interface Policy {
  drain:
    | { kind: 'until_eof' }
    | { kind: 'after'; max: number }
    | { kind: 'idle'; gap: number; max: number };
  descendants: 'leave' | 'kill';
  killSignal: number;
  killGrace: number;
  killTarget: 'group' | 'leader';
  bufferBytesMax: number;
  bufferChunksMax: number;
  bufferFull: { kind: 'pause' } | { kind: 'gap' } | { kind: 'kill_after'; after: number };
  limit:
    | null
    | { bytesMax: number; over: 'truncate' | 'kill' }
    | { bytesMax: number; over: 'keep_tail'; tail: number };
  timeout: number | null;
  closeMax: number;
  shutdownMax: number;
}

export interface Options {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** Default: `ignore`. */
  stdin?: 'pipe' | 'ignore' | 'inherit';
  /** Default: `pipe`. */
  stdout?: 'pipe' | 'ignore' | 'inherit';
  /** Default: `pipe`. */
  stderr?: 'pipe' | 'ignore' | 'inherit';
  /** What differs from the default policy. */
  policy?: Partial<Policy>;
  /** Takes each line of a trace. */
  trace?: (line: string) => void;
  /** Whether the trace has each step of the machine, with its time; then clocks are judged too. */
  traceSteps?: boolean;
}

export interface Output {
  stdout: Buffer;
  stderr: Buffer;
  terminal: Terminal;
}

export type Reply = 'done' | 'latched' | 'already_exited';

/** One run. Made by `spawn`. */
export class Execution extends EventEmitter implements AsyncIterable<Event> {
  private constructor();
  readonly pid: number;
  readonly stdin: Writable | null;
  next(): Promise<Event | null>;
  [Symbol.asyncIterator](): AsyncGenerator<Event, void, void>;
  on<K extends Event['kind']>(name: K, listener: (event: Extract<Event, { kind: K }>) => void): this;
  on(name: string | symbol, listener: (...args: any[]) => void): this;
  output(): Promise<Output>;
  exited(): Promise<Status>;
  wait(): Promise<Terminal>;
  signal(signal: number | NodeJS.Signals): Reply;
  kill(): Reply;
  discard(stream: StreamId): void;
  close(): Reply;
  detach(): void;
  shutdown(): Reply;
}

/** A start that was refused: nothing is left of it. */
export class StartError extends Error {
  readonly stage: 'lookup' | 'chdir' | 'exec' | 'fork' | 'pipes' | 'permission';
  readonly code: string;
  readonly errno: number;
}

// The machine, for whoever owns the I/O: docs/specification.md says what each input does.

export type Streams = 'none' | 'stdout' | 'stderr' | 'separate' | 'combined' | 'pty';
export type MachineStream = StreamId | 'combined' | 'pty';
export type Until = 'exited' | 'terminal';
export type Timer =
  | 'timeout' | 'grace' | 'stall' | 'close' | 'shutdown'
  | `idle ${MachineStream}` | `deadline ${MachineStream}`;

export type Input =
  | { kind: 'started' | 'refused' | 'drain' | 'kill' | 'detach' | 'close' | 'shutdown' }
  | { kind: 'chunk'; stream: MachineStream; chunk: Buffer }
  | { kind: 'eof' | 'empty' | 'discard'; stream: MachineStream }
  | { kind: 'read_error'; stream: MachineStream; errno: number }
  | { kind: 'reap'; status: Status; standing: Partial<Record<MachineStream, number>> }
  | { kind: 'wait' | 'cancel_wait'; until: Until }
  | { kind: 'signal'; signal: number }
  | { kind: 'timeout'; timer: Timer };

export type MachineEvent =
  | { kind: 'chunk'; stream: MachineStream; chunk: Buffer }
  | { kind: 'gap'; stream: MachineStream; bytes: number }
  | { kind: 'end'; stream: MachineStream; end: End }
  | { kind: 'exit'; terminal: MachineTerminal };

export interface MachineTerminal {
  status: Status;
  cause: Cause;
  streams: Partial<Record<MachineStream, Report>>;
}

/** What follows from one input. */
export interface Step {
  event: MachineEvent | null;
  signals: Set<number>;
  pumps: Map<MachineStream, 'pause' | 'resume' | 'abandon'>;
  timers: Map<Timer, 'arm' | 'arm_held' | 'hold' | 'resume' | 'disarm'>;
  resolved: Record<Until, number>;
  ready: boolean;
  reply: Reply;
}

/** An input that has no meaning in the state it met; the machine is as it was. */
export class Illegal extends Error {
  readonly why: string;
}

export class Machine {
  constructor(streams: Streams, policy?: Policy);
  /** Applies one input. Throws `Illegal`. */
  step(input: Input): Step;
  /** The largest chunk that would be accepted now; 0: its pump may not read. */
  room(stream: MachineStream): number;
  isOpen(stream: MachineStream): boolean;
  hasEvent(): boolean;
  isReached(until: Until): boolean;
  readonly isDone: boolean;
  readonly status: Status | null;
  /** The terminal, once waiters for it are resolved. */
  terminal(): MachineTerminal | null;
  /** How long a timer runs from its arming, in milliseconds. */
  delay(timer: Timer): number | null;
}

export function defaultPolicy(): Policy;
export function spawn(program: string, args?: string[], options?: Options): Promise<Execution>;
export function output(program: string, args?: string[], options?: Options): Promise<Output>;
