// An execution: a real process behind the machine. Everything here carries out what a step asks
// for, or reports what happened; what it means is the machine's to decide.

import { EventEmitter } from 'node:events';
import { constants } from 'node:os';
import { Illegal, Machine, inOrder } from './machine.js';
import { Recorder, StepRecorder } from './trace.js';

/**
 * The most that stands unread in the socket of a child's output: its buffer (`net.core.wmem_default`,
 * 208 KiB) and ours. Node cannot ask how much it is.
 */
const STANDING_MAX = 512 * 1024;

export class Execution extends EventEmitter {
  #machine;
  #child;
  #recorder;
  #pumps = new Map();
  #timers = new Map();
  #waiters = { exited: [], terminal: [] };
  #ready = null;
  #flowing = false;
  #exited = false;

  /** Made by `spawn`, of a child that runs. */
  constructor(child, streams, policy, trace, traceSteps = false) {
    super();
    this.#child = child;
    this.#machine = new Machine(streams, policy);
    this.#recorder = trace ? new (traceSteps ? StepRecorder : Recorder)(trace, this.#machine) : null;
    this.pid = child.pid;
    this.#step({ kind: 'started' });
    for (const id of this.#machine.ids) this.#attach(id, child[id]);
    child.once('exit', (code, signal) => this.#reap(code, signal));
    // A broken pipe ends stdin, and nothing else (C17).
    child.stdin?.on('error', () => {});
  }

  /** The child's stdin where it was asked for: a Writable whose `end()` is its end. */
  get stdin() {
    return this.#child.stdin;
  }

  // The consumer.

  /** The next event, or null after the exit. */
  async next() {
    for (;;) {
      if (this.#machine.hasEvent()) return this.#step({ kind: 'drain' }).event;
      if (this.#machine.isDone) return null;
      await new Promise((resolve) => {
        this.#ready = resolve;
      });
    }
  }

  /** Events to the exit. Whoever leaves the loop early closes the execution. */
  async *[Symbol.asyncIterator]() {
    try {
      for (let event = await this.next(); event; event = await this.next()) yield event;
    } finally {
      this.close();
    }
  }

  /** The first listener starts the flow of events: `chunk`, `gap`, `end`, `exit`. */
  on(name, listener) {
    super.on(name, listener);
    if (['chunk', 'gap', 'end', 'exit'].includes(name)) this.#flow();
    return this;
  }

  async #flow() {
    if (this.#flowing) return;
    this.#flowing = true;
    await null;
    for (let event = await this.next(); event; event = await this.next()) {
      this.emit(event.kind, event);
    }
  }

  /** All output to the exit. */
  async output() {
    const parts = { stdout: [], stderr: [] };
    let terminal = null;
    for await (const event of this) {
      if (event.kind === 'chunk') parts[event.stream].push(event.chunk);
      else if (event.kind === 'exit') terminal = event.terminal;
    }
    terminal ??= this.#machine.terminal();
    return { stdout: Buffer.concat(parts.stdout), stderr: Buffer.concat(parts.stderr), terminal };
  }

  // Waiters and callers.

  /** The status, at the reap. Says nothing of output (C4). */
  exited() {
    return this.#wait('exited', () => this.#machine.status);
  }

  /** The terminal, once it was delivered or nobody is there to take it (C4). */
  wait() {
    return this.#wait('terminal', () => this.#machine.terminal());
  }

  #wait(until, outcome) {
    if (this.#machine.isReached(until)) return Promise.resolve(outcome());
    return new Promise((resolve) => {
      this.#waiters[until].push(() => resolve(outcome()));
      this.#step({ kind: 'wait', until });
    });
  }

  /** Sends a signal, by number or name. Answers `done` or `already_exited` (C16). */
  signal(signal) {
    const number = typeof signal === 'number' ? signal : constants.signals[signal];
    if (number === undefined) throw new RangeError(`no signal "${signal}"`);
    return this.#step({ kind: 'signal', signal: number }).reply;
  }

  /** Kills by policy: the first signal, the grace period, SIGKILL. */
  kill() {
    return this.#step({ kind: 'kill' }).reply;
  }

  /** Stops taking one stream: it is read on and thrown away (C15). */
  discard(stream) {
    if (!this.#machine.isDone) this.#step({ kind: 'discard', stream });
  }

  /** Ends it now: SIGKILL to the group, the rest of the output dropped (C11). */
  close() {
    return this.#step({ kind: 'close' }).reply;
  }

  /** Lets it go on without a consumer. */
  detach() {
    this.#step({ kind: 'detach' });
  }

  /** Kills by policy, and forces the end at the bound of a shutdown (C13). */
  shutdown() {
    return this.#step({ kind: 'shutdown' }).reply;
  }

  // One step, and what it asks for: signals, pumps, timers, in this order.

  #step(input) {
    const now = performance.now();
    const step = this.#machine.step(input);
    this.#recorder?.step(input, step, this.#machine, now);
    for (const signal of inOrder(step.signals)) this.#send(signal);
    for (const [id, action] of step.pumps) {
      if (action === 'abandon') this.#pumps.get(id)?.destroy();
      else if (action === 'resume') queueMicrotask(() => this.#pump(id));
    }
    for (const [timer, action] of step.timers) this.#setTimer(timer, action, now);
    for (const until of ['exited', 'terminal']) {
      if (step.resolved[until] === 0) continue;
      const told = this.#waiters[until].splice(0);
      // What the step hands over reaches the consumer in a microtask: his comes first (C4).
      if (step.event) setImmediate(() => told.forEach((tell) => tell()));
      else told.forEach((tell) => tell());
    }
    if (step.ready || this.#machine.isDone) {
      this.#ready?.();
      this.#ready = null;
    }
    return step;
  }

  /** As `#step`; what came too late for its stream or timer has changed nothing. */
  #report(input) {
    try {
      this.#step(input);
    } catch (error) {
      if (!(error instanceof Illegal)) throw error;
    }
  }

  #send(signal) {
    try {
      const { killTarget } = this.#machine.policy;
      if (killTarget === 'group' || this.#exited) process.kill(-this.pid, signal);
      else this.#child.kill(signal);
    } catch (error) {
      // ESRCH: nobody is left. EPERM: it has become another's.
      if (error.code !== 'ESRCH' && error.code !== 'EPERM') throw error;
    }
  }

  #attach(id, source) {
    this.#pumps.set(id, source);
    // `readable` and not `data`: Node would resume a paused source at the exit.
    source.on('readable', () => this.#pump(id));
    source.once('end', () => this.#report({ kind: 'eof', stream: id }));
    source.once('error', (error) => {
      this.#report({ kind: 'read_error', stream: id, errno: Math.abs(error.errno ?? 0) });
    });
  }

  /** Reads what there is room for. */
  #pump(id) {
    const source = this.#pumps.get(id);
    for (;;) {
      const room = this.#machine.room(id);
      if (room === 0) return;
      const most = Math.min(room, source.readableLength);
      // With nothing buffered the call asks for more, or finds the end.
      const chunk = most > 0 ? source.read(most) : source.read();
      if (chunk === null) break;
      this.#report({ kind: 'chunk', stream: id, chunk });
    }
    if (this.#exited) this.#look(id);
  }

  /**
   * Whether a stream has anything now. A turn of the event loop polls every source that is being
   * read; one that brought nothing in a whole turn had nothing.
   */
  #look(id) {
    const source = this.#pumps.get(id);
    const before = source.bytesRead;
    setImmediate(() => setImmediate(() => {
      const quiet = source.bytesRead === before && source.readableLength === 0;
      if (!this.#machine.isOpen(id) || this.#machine.room(id) === 0) return;
      if (quiet) this.#report({ kind: 'empty', stream: id });
      else this.#look(id);
    }));
  }

  #reap(code, signal) {
    this.#exited = true;
    const status =
      signal === null
        ? { kind: 'exited', code }
        : { kind: 'signaled', signal: constants.signals[signal], core: false };
    const standing = Object.fromEntries(this.#machine.ids.map((id) => [id, STANDING_MAX]));
    this.#report({ kind: 'reap', status, standing });
    for (const id of this.#machine.ids) if (this.#machine.isOpen(id)) this.#pump(id);
  }

  #setTimer(timer, action, now) {
    const running = this.#timers.get(timer);
    clearTimeout(running?.handle);
    let left = this.#machine.delay(timer);
    if (action === 'hold' || action === 'resume') left = running.left - (running.handle ? now - running.since : 0);
    if (action === 'disarm') {
      this.#timers.delete(timer);
    } else if (action === 'arm' || action === 'resume') {
      const handle = setTimeout(() => this.#fire(timer), Math.max(0, left));
      this.#timers.set(timer, { handle, since: now, left });
    } else {
      this.#timers.set(timer, { handle: null, since: now, left });
    }
  }

  #fire(timer) {
    const running = this.#timers.get(timer);
    const left = running.left - (performance.now() - running.since);
    if (left > 0) {
      // Node counts from the begin of the turn of its loop in which a timer is set.
      running.handle = setTimeout(() => this.#fire(timer), Math.ceil(left));
      return;
    }
    this.#timers.delete(timer);
    this.#report({ kind: 'timeout', timer });
    const id = timer.split(' ')[1];
    // Readability wins: the look that follows decides (C6).
    if (id !== undefined && this.#machine.isOpen(id)) this.#pump(id);
  }
}
