// The machine: one execution as a pure state machine. It reads no clock, does no I/O and calls
// nobody; `step` is the only thing that changes it, and an illegal input changes nothing.

const STREAMS = {
  none: [],
  stdout: ['stdout'],
  stderr: ['stderr'],
  separate: ['stdout', 'stderr'],
  combined: ['combined'],
  pty: ['pty'],
};

const SIGKILL = 9;

/** Every choice, with its default. Times are in milliseconds. */
export function defaultPolicy() {
  return {
    drain: { kind: 'idle', gap: 200, max: 5000 },
    descendants: 'leave',
    killSignal: 15,
    killGrace: 2000,
    killTarget: 'group',
    bufferBytesMax: 262144,
    bufferChunksMax: 1024,
    bufferFull: { kind: 'pause' },
    limit: null,
    timeout: null,
    closeMax: 2000,
    shutdownMax: 5000,
  };
}

/** Why a policy cannot be carried out, or null. */
export function invalidPolicy(policy) {
  if (policy.bufferBytesMax === 0) return 'buffer_bytes';
  if (policy.bufferChunksMax === 0) return 'buffer_chunks';
  const { drain } = policy;
  if (drain.kind === 'idle' && drain.gap > drain.max) return 'idle_gap_over_max';
  return null;
}

/** An input that has no meaning in the state it met. The machine is as it was. */
export class Illegal extends Error {
  constructor(why) {
    super(`illegal: ${why}`);
    this.name = 'Illegal';
    this.why = why;
  }
}

/** What two actions on one timer come to, as one; undefined when they cancel out. */
function then(now, next) {
  if (now === undefined || next === 'arm' || next === 'arm_held' || next === 'disarm') return next;
  if (now === 'arm' && next === 'hold') return 'arm_held';
  if (now === 'arm_held' && next === 'resume') return 'arm';
  if (now === 'hold' && next === 'resume') return undefined;
  if (now === 'resume' && next === 'hold') return undefined;
  return now;
}

/** What follows from one input. */
export class Step {
  event = null;
  signals = new Set();
  pumps = new Map();
  timers = new Map();
  resolved = { exited: 0, terminal: 0 };
  ready = false;
  reply = 'done';

  addTimer(timer, action) {
    const sum = then(this.timers.get(timer), action);
    if (sum === undefined) this.timers.delete(timer);
    else this.timers.set(timer, sum);
  }
}

/** The signals of a step in the order in which they are to be sent: SIGKILL last. */
export function inOrder(signals) {
  const weight = (signal) => (signal === SIGKILL ? 1000 : signal);
  return [...signals].sort((one, other) => weight(one) - weight(other));
}

function newLane() {
  return {
    source: 'flowing', // flowing, paused, ended: no byte follows; finished: the consumer knows it
    end: null,
    held: false,
    intake: 'deliver', // deliver, over_limit, discard
    owed: null, // bytes of the root that may be unread; null: it is all read
    due: null, // why it is to be cut once nothing is owed and a read has found nothing
    delivered: 0,
    dropped: 0,
    queue: [],
    queuedBytes: 0,
    queuedChunks: 0,
    gap: 0, // bytes dropped behind all that is queued
    tail: [],
    tailBytes: 0,
  };
}

export class Machine {
  constructor(streams, policy = defaultPolicy()) {
    const invalid = invalidPolicy(policy);
    if (invalid) throw new RangeError(invalid);
    if (!Object.hasOwn(STREAMS, streams)) throw new RangeError(`no streams "${streams}"`);
    this.policy = policy;
    this.ids = STREAMS[streams];
    this.phase = 'starting'; // starting, refused, running, reaped, ended, done
    this.status = null;
    this.released = false;
    this.latch = { signals: new Set(), kill: false, shutdown: false, close: false };
    this.consumerGone = false;
    this.cause = { timedOut: false, cancelled: false, outputLimit: false, stalled: false };
    this.killed = null;
    this.lanes = new Map(this.ids.map((id) => [id, newLane()]));
    this.nextTicket = 0;
    this.clocks = new Map(); // timer to running or held; absent: off
    this.waiting = { exited: 0, terminal: 0 };
  }

  /** Applies one transition and says what follows. Throws Illegal. */
  step(input) {
    const step = new Step();
    this.#apply(input, step);
    this.#settle(step);
    this.#watchStall(step);
    step.ready = this.hasEvent();
    return step;
  }

  #apply(input, step) {
    switch (input.kind) {
      case 'started': return this.#started(step);
      case 'refused': return this.#refused(step);
      case 'chunk': return this.#chunk(input.stream, input.chunk, step);
      case 'eof': return this.#sourceEnded(input.stream, { kind: 'eof' }, step);
      case 'read_error':
        return this.#sourceEnded(input.stream, { kind: 'read_error', errno: input.errno }, step);
      case 'empty': return this.#empty(input.stream, step);
      case 'reap': return this.#reap(input.status, input.standing ?? {}, step);
      case 'drain': return this.#drain(step);
      case 'wait': return this.#wait(input.until, step);
      case 'cancel_wait': return this.#cancelWait(input.until);
      case 'signal': return this.#signal(input.signal, step);
      case 'kill': return this.#kill(step);
      case 'discard': return this.#discardOne(input.stream, step);
      case 'detach': return this.#detach(step);
      case 'close': return this.#close(step);
      case 'shutdown': return this.#shutdown(step);
      case 'timeout': return this.#timeout(input.timer, step);
      default: throw new TypeError(`no input "${input.kind}"`);
    }
  }

  // What every step ends with.

  /** Takes the phase as far as it goes (C5). */
  #settle(step) {
    if (this.phase === 'reaped') {
      if (this.ids.some((id) => this.#isOpen(id))) return;
      this.phase = 'ended';
      this.released = false;
    }
    if (this.phase === 'ended' && this.consumerGone) this.#finish(step);
  }

  #finish(step) {
    this.phase = 'done';
    this.#setTimer('close', 'disarm', step);
    this.#setTimer('shutdown', 'disarm', step);
    this.#resolve('exited', step);
    this.#resolve('terminal', step);
  }

  /** The stall timer runs only while output is buffered and not moving. */
  #watchStall(step) {
    if (this.policy.bufferFull.kind !== 'kill_after') return;
    const buffered = this.phase === 'running' && !this.killed && this.#oldest() !== null;
    if (buffered && (this.clocks.get('stall') !== 'running' || step.event)) {
      this.#setTimer('stall', 'arm', step);
    } else if (!buffered) {
      this.#setTimer('stall', 'disarm', step);
    }
  }

  // What callers ask for.

  #started(step) {
    if (this.phase !== 'starting') throw new Illegal('already_started');
    this.phase = 'running';
    if (this.policy.timeout !== null) this.#setTimer('timeout', 'arm', step);
    for (const signal of this.latch.signals) step.signals.add(signal);
    if (this.latch.kill) this.#beginKill('cancelled', step);
    if (this.latch.shutdown) this.#shutdown(step);
    if (this.latch.close) this.#close(step);
  }

  #refused(step) {
    if (this.phase !== 'starting') throw new Illegal('already_started');
    this.phase = 'refused';
    this.#resolve('exited', step);
    this.#resolve('terminal', step);
  }

  #signal(signal, step) {
    if (this.phase === 'refused') throw new Illegal('refused');
    if (this.phase === 'starting') {
      this.latch.signals.add(signal);
      step.reply = 'latched';
    } else if (this.phase === 'running') {
      step.signals.add(signal);
    } else {
      step.reply = 'already_exited';
    }
  }

  #kill(step) {
    if (this.phase === 'refused') throw new Illegal('refused');
    if (this.phase === 'starting') {
      this.latch.kill = true;
      step.reply = 'latched';
    } else if (this.phase === 'running') {
      this.#beginKill('cancelled', step);
    } else {
      step.reply = 'already_exited';
    }
  }

  /** The first signal of a kill. The cause is that of the kill that came first. */
  #beginKill(because, step) {
    if (this.killed || this.phase !== 'running') return;
    this.cause[because] = true;
    const signal = this.policy.killGrace === 0 ? SIGKILL : this.policy.killSignal;
    this.killed = { signal, escalated: false };
    step.signals.add(signal);
    this.#setTimer('timeout', 'disarm', step);
    if (signal !== SIGKILL) this.#setTimer('grace', 'arm', step);
  }

  /** SIGKILL now, as the first signal of a kill or the last. */
  #killHard(step) {
    if (this.killed) {
      this.killed.escalated ||= this.killed.signal !== SIGKILL;
    } else {
      this.cause.cancelled = true;
      this.killed = { signal: SIGKILL, escalated: false };
    }
    step.signals.add(SIGKILL);
    for (const timer of ['timeout', 'grace', 'stall']) this.#setTimer(timer, 'disarm', step);
  }

  #discardOne(id, step) {
    if (!this.lanes.has(id)) throw new Illegal('no_such_stream');
    if (this.phase === 'refused') throw new Illegal('refused');
    if (this.phase === 'done') throw new Illegal('already_done');
    this.#discard(id, { kind: 'discarded' }, step);
    this.#endDiscarded(id, step);
  }

  /** After the reap nobody waits for a stream that nobody wants (C15). */
  #endDiscarded(id, step) {
    if (this.#isOpen(id) && this.phase === 'reaped') {
      this.#end(id, { kind: 'discarded' }, false, step);
    }
  }

  /** Throws away what is queued of a stream and all that may follow. */
  #discard(id, end, step) {
    const lane = this.lanes.get(id);
    if (lane.source === 'finished') return;
    for (const { gap } of lane.queue) lane.gap += gap;
    const thrown = lane.queuedBytes + lane.tailBytes;
    lane.gap += thrown;
    lane.dropped += thrown;
    lane.queue = [];
    lane.tail = [];
    lane.queuedBytes = lane.queuedChunks = lane.tailBytes = 0;
    lane.intake = 'discard';
    if (lane.source === 'ended' && lane.end.kind === 'eof' && thrown > 0) lane.end = end;
    this.#resume(id, step);
  }

  #detach(step) {
    this.consumerGone = true;
    for (const id of this.ids) {
      this.#discard(id, { kind: 'discarded' }, step);
      this.#endDiscarded(id, step);
    }
  }

  /** Ends it now. The root gets SIGKILL and is given its bound; streams end at once. */
  #close(step) {
    switch (this.phase) {
      case 'starting':
        this.latch.close = true;
        step.reply = 'latched';
        this.#detach(step);
        return;
      case 'refused':
      case 'done':
        step.reply = 'already_exited';
        this.consumerGone = true;
        return;
    }
    const reaped = this.phase !== 'running';
    if (reaped) {
      step.reply = 'already_exited';
      if (this.policy.killTarget === 'group') step.signals.add(SIGKILL);
    } else {
      this.#killHard(step);
      // Whoever closes again has the bound of the first close.
      if (!this.clocks.has('close')) this.#setTimer('close', 'arm', step);
    }
    this.consumerGone = true;
    this.#cutAll('close', reaped, step);
  }

  #shutdown(step) {
    switch (this.phase) {
      case 'starting':
        this.latch.shutdown = true;
        step.reply = 'latched';
        return;
      case 'running':
        this.#beginKill('cancelled', step);
        break;
      case 'reaped':
        step.reply = 'already_exited';
        if (this.policy.killTarget === 'group') step.signals.add(SIGKILL);
        for (const id of this.ids) {
          if (this.#isOpen(id)) this.lanes.get(id).due = 'shutdown';
        }
        break;
      default:
        step.reply = 'already_exited';
        if (this.phase !== 'ended' || this.released) return;
    }
    if (!this.clocks.has('shutdown')) this.#setTimer('shutdown', 'arm', step);
  }

  /** Drops what is undelivered and ends every stream. */
  #cutAll(cut, reaped, step) {
    for (const id of this.ids) {
      this.#discard(id, { kind: 'cut', cut }, step);
      if (this.#isOpen(id)) {
        // Only a look that found no end behind the root's last byte shows a holder (C9).
        const held = reaped && this.lanes.get(id).owed === null;
        this.#end(id, { kind: 'cut', cut }, held, step);
      }
    }
  }

  // Pump.

  #checkPump(id) {
    if (this.phase === 'starting') throw new Illegal('not_started');
    if (this.phase === 'refused') throw new Illegal('refused');
    if (this.phase === 'done') throw new Illegal('already_done');
    if (!this.lanes.has(id)) throw new Illegal('no_such_stream');
    if (!this.#isOpen(id)) throw new Illegal('stream_ended');
  }

  #chunk(id, chunk, step) {
    this.#checkPump(id);
    const lane = this.lanes.get(id);
    const { length } = chunk;
    if (length === 0) throw new Illegal('empty_chunk');
    if (lane.source === 'paused') throw new Illegal('pump_paused');
    if (length > this.room(id)) throw new Illegal('no_room');
    const { limit } = this.policy;
    if (lane.intake === 'deliver') {
      const left = limit ? limit.bytesMax - (lane.delivered + lane.queuedBytes) : Infinity;
      if (length <= left) {
        this.#keep(id, chunk, step);
      } else {
        lane.intake = 'over_limit';
        if (left > 0) this.#keep(id, chunk.subarray(0, left), step);
        this.#passLimit(lane, left > 0 ? chunk.subarray(left) : chunk, step);
      }
    } else if (lane.intake === 'over_limit' && limit.over === 'keep_tail') {
      this.#keepTail(lane, chunk);
    } else {
      drop(lane, length);
    }
    this.#afterRead(id, length, step);
  }

  /** Queues a chunk, or drops it where the buffer is full and that is the policy. */
  #keep(id, chunk, step) {
    const lane = this.lanes.get(id);
    const { bufferBytesMax, bufferChunksMax, bufferFull } = this.policy;
    const drops = bufferFull.kind === 'gap';
    const fits =
      lane.queuedBytes + chunk.length <= bufferBytesMax && lane.queuedChunks < bufferChunksMax;
    if (!fits && drops) {
      drop(lane, chunk.length);
      return;
    }
    this.#pushGap(lane);
    this.#push(lane, chunk);
    const full = lane.queuedBytes >= bufferBytesMax || lane.queuedChunks >= bufferChunksMax;
    // Past the limit nothing more is queued, so the pump has nothing to wait for.
    if (full && lane.intake === 'deliver' && !drops) this.#pause(id, step);
  }

  #push(lane, chunk) {
    lane.queue.push({ ticket: this.nextTicket++, chunk, gap: 0 });
    lane.queuedBytes += chunk.length;
    lane.queuedChunks += 1;
  }

  #pushGap(lane) {
    if (lane.gap === 0) return;
    lane.queue.push({ ticket: this.nextTicket++, chunk: null, gap: lane.gap });
    lane.gap = 0;
  }

  #passLimit(lane, rest, step) {
    if (this.policy.limit.over === 'keep_tail') {
      this.#keepTail(lane, rest);
      return;
    }
    drop(lane, rest.length);
    if (this.policy.limit.over === 'kill') this.#beginKill('outputLimit', step);
  }

  #keepTail(lane, chunk) {
    lane.tailBytes += chunk.length;
    lane.tail.push(chunk);
    while (lane.tailBytes > this.policy.limit.tail) {
      const [first] = lane.tail;
      const gone = Math.min(first.length, lane.tailBytes - this.policy.limit.tail);
      if (gone === first.length) lane.tail.shift();
      else lane.tail[0] = first.subarray(gone);
      lane.tailBytes -= gone;
      drop(lane, gone);
    }
  }

  /** Counts down what the root left (C7); what is read after that is a descendant's. */
  #afterRead(id, length, step) {
    const lane = this.lanes.get(id);
    lane.owed = lane.owed > 0 ? Math.max(0, lane.owed - length) : null;
    const idle = `idle ${id}`;
    if (lane.due === 'idle') {
      // Silence was broken: readability wins over the idle timer (C6).
      lane.due = null;
      this.#armDrain(idle, id, step);
    } else if (this.clocks.has(idle)) {
      this.#armDrain(idle, id, step);
    }
    this.#cutIfDue(id, step);
  }

  #empty(id, step) {
    this.#checkPump(id);
    this.lanes.get(id).owed = null;
    this.#cutIfDue(id, step);
  }

  #cutIfDue(id, step) {
    const { due, owed } = this.lanes.get(id);
    if (due && owed === null) this.#end(id, { kind: 'cut', cut: due }, true, step);
  }

  #sourceEnded(id, end, step) {
    this.#checkPump(id);
    const { intake, dropped } = this.lanes.get(id);
    const shortened = end.kind === 'eof' && dropped > 0;
    if (shortened && intake === 'over_limit') this.#end(id, { kind: 'limit' }, false, step);
    else if (shortened && intake === 'discard') this.#end(id, { kind: 'discarded' }, false, step);
    else this.#end(id, end, false, step);
  }

  /** Ends a stream. All that is kept of it is queued already, so its end follows its last byte. */
  #end(id, end, held, step) {
    const lane = this.lanes.get(id);
    if (end.kind === 'cut' || end.kind === 'discarded') step.pumps.set(id, 'abandon');
    lane.source = 'ended';
    lane.end = end;
    lane.held = held;
    lane.owed = null;
    lane.due = null;
    if (lane.tail.length > 0) {
      this.#pushGap(lane);
      for (const chunk of lane.tail) this.#push(lane, chunk);
      lane.tail = [];
      lane.tailBytes = 0;
    }
    this.#setTimer(`idle ${id}`, 'disarm', step);
    this.#setTimer(`deadline ${id}`, 'disarm', step);
  }

  #pause(id, step) {
    this.lanes.get(id).source = 'paused';
    step.pumps.set(id, 'pause');
    this.#setTimer(`idle ${id}`, 'hold', step);
    this.#setTimer(`deadline ${id}`, 'hold', step);
  }

  #resume(id, step) {
    const lane = this.lanes.get(id);
    if (lane.source !== 'paused') return;
    lane.source = 'flowing';
    step.pumps.set(id, 'resume');
    this.#setTimer(`idle ${id}`, 'resume', step);
    this.#setTimer(`deadline ${id}`, 'resume', step);
  }

  // Reap.

  #reap(status, standing, step) {
    if (this.phase === 'starting') throw new Illegal('not_started');
    if (this.phase === 'refused') throw new Illegal('refused');
    if (this.phase === 'reaped' || this.phase === 'ended') throw new Illegal('already_reaped');
    if (this.phase === 'done') throw new Illegal('already_done');
    if (status.kind === 'forced') throw new Illegal('status_is_ours');
    this.phase = 'reaped';
    this.status = status;
    this.#resolve('exited', step);
    for (const timer of ['timeout', 'grace', 'stall', 'close']) this.#setTimer(timer, 'disarm', step);
    if (this.policy.descendants === 'kill' && this.policy.killTarget === 'group') {
      step.signals.add(SIGKILL);
    }
    for (const id of this.ids) this.#boundDrain(id, standing[id] ?? 0, step);
  }

  /** Starts the drain of one stream after the reap (C6, C7). */
  #boundDrain(id, standing, step) {
    const lane = this.lanes.get(id);
    if (!this.#isOpen(id)) return;
    if (lane.intake === 'discard') {
      this.#end(id, { kind: 'discarded' }, false, step);
      return;
    }
    lane.owed = standing;
    if (this.clocks.has('shutdown')) {
      lane.due = 'shutdown';
      return;
    }
    const { drain } = this.policy;
    if (drain.kind === 'after') {
      if (drain.max === 0) lane.due = 'after';
      else this.#armDrain(`deadline ${id}`, id, step);
    } else if (drain.kind === 'idle') {
      if (drain.max === 0) {
        lane.due = 'max';
        return;
      }
      if (drain.gap === 0) lane.due = 'idle';
      else this.#armDrain(`idle ${id}`, id, step);
      this.#armDrain(`deadline ${id}`, id, step);
    }
  }

  #armDrain(timer, id, step) {
    const paused = this.lanes.get(id).source === 'paused';
    this.#setTimer(timer, paused ? 'arm_held' : 'arm', step);
  }

  // Drain and wait.

  #drain(step) {
    if (this.phase === 'refused') throw new Illegal('refused');
    if (this.phase === 'done') throw new Illegal('already_done');
    if (this.consumerGone) throw new Illegal('no_consumer');
    step.event = this.#nextEvent(step);
  }

  #nextEvent(step) {
    // An end is due as soon as its stream's last byte is delivered; it holds nobody up.
    for (const id of this.ids) {
      const lane = this.lanes.get(id);
      if (this.#gapIsNext(id)) {
        const bytes = lane.gap;
        lane.gap = 0;
        return { kind: 'gap', stream: id, bytes };
      }
      if (this.#endIsNext(id)) {
        lane.source = 'finished';
        return { kind: 'end', stream: id, end: lane.end };
      }
    }
    const oldest = this.#oldest();
    if (oldest !== null) return this.#takeQueued(oldest, step);
    if (this.phase !== 'ended') return null;
    this.#finish(step);
    return { kind: 'exit', terminal: this.terminal() };
  }

  #takeQueued(id, step) {
    const lane = this.lanes.get(id);
    const { chunk, gap } = lane.queue.shift();
    if (chunk === null) return { kind: 'gap', stream: id, bytes: gap };
    lane.queuedBytes -= chunk.length;
    lane.queuedChunks -= 1;
    lane.delivered += chunk.length;
    const low =
      lane.queuedBytes <= Math.floor(this.policy.bufferBytesMax / 2) &&
      lane.queuedChunks <= Math.floor(this.policy.bufferChunksMax / 2);
    if (low) this.#resume(id, step);
    return { kind: 'chunk', stream: id, chunk };
  }

  /** The stream whose first entry came before all others. */
  #oldest() {
    let oldest = null;
    let ticket = Infinity;
    for (const id of this.ids) {
      const [first] = this.lanes.get(id).queue;
      if (first && first.ticket < ticket) [oldest, ticket] = [id, first.ticket];
    }
    return oldest;
  }

  #gapIsNext(id) {
    const lane = this.lanes.get(id);
    const shows = !this.#isOpen(id) || lane.intake === 'deliver';
    return lane.gap > 0 && lane.queuedChunks === 0 && shows;
  }

  #endIsNext(id) {
    const lane = this.lanes.get(id);
    return lane.source === 'ended' && lane.queuedChunks === 0 && lane.gap === 0;
  }

  #wait(until, step) {
    this.waiting[until] += 1;
    if (this.isReached(until)) this.#resolve(until, step);
  }

  #cancelWait(until) {
    if (this.waiting[until] === 0) throw new Illegal('nobody_waits');
    this.waiting[until] -= 1;
  }

  #resolve(until, step) {
    step.resolved[until] += this.waiting[until];
    this.waiting[until] = 0;
  }

  // Time.

  #timeout(timer, step) {
    const id = timer.split(' ')[1];
    if (id !== undefined && !this.lanes.has(id)) throw new Illegal('no_such_stream');
    if (this.clocks.get(timer) !== 'running') throw new Illegal('timer_not_running');
    this.clocks.delete(timer);
    switch (timer) {
      case 'timeout': return this.#beginKill('timedOut', step);
      case 'grace': return this.#killHard(step);
      case 'stall': return this.#beginKill('stalled', step);
      case 'close': return this.#force({ kind: 'forced' });
      case 'shutdown': return this.#forceShutdown(step);
    }
    const lane = this.lanes.get(id);
    if (timer.startsWith('idle')) lane.due ??= 'idle';
    else lane.due = this.policy.drain.kind === 'idle' ? 'max' : 'after';
    return undefined;
  }

  #force(status) {
    this.phase = 'ended';
    this.status = status;
    this.released = true;
  }

  /** The bound of a shutdown: nobody is waited for any more. */
  #forceShutdown(step) {
    if (this.phase === 'running') {
      this.#killHard(step);
      this.#cutAll('shutdown', false, step);
      this.#force({ kind: 'forced' });
    } else if (this.phase === 'reaped' || this.phase === 'ended') {
      this.#cutAll('shutdown', true, step);
      this.#force(this.status);
    } else {
      return;
    }
    this.#resolve('exited', step);
    this.#resolve('terminal', step);
  }

  #setTimer(timer, action, step) {
    const now = this.clocks.get(timer);
    switch (action) {
      case 'arm': this.clocks.set(timer, 'running'); break;
      case 'arm_held': this.clocks.set(timer, 'held'); break;
      case 'hold':
        if (now !== 'running') return;
        this.clocks.set(timer, 'held');
        break;
      case 'resume':
        if (now !== 'held') return;
        this.clocks.set(timer, 'running');
        break;
      case 'disarm':
        if (now === undefined) return;
        this.clocks.delete(timer);
        break;
    }
    step.addTimer(timer, action);
  }

  // What can be asked.

  /** The largest chunk of a stream that would be accepted now; 0: its pump may not read. */
  room(id) {
    const lane = this.lanes.get(id);
    if (!lane || lane.source !== 'flowing') return 0;
    const bounded = lane.intake === 'deliver' && this.policy.bufferFull.kind !== 'gap';
    return bounded ? this.policy.bufferBytesMax - lane.queuedBytes : Infinity;
  }

  #isOpen(id) {
    const { source } = this.lanes.get(id);
    return source === 'flowing' || source === 'paused';
  }

  /** Whether bytes of a stream may still come. */
  isOpen(id) {
    return this.lanes.has(id) && this.#isOpen(id);
  }

  /** Whether the consumer would get an event now. */
  hasEvent() {
    if (this.consumerGone || this.phase === 'refused' || this.phase === 'done') return false;
    if (this.phase === 'ended' || this.#oldest() !== null) return true;
    return this.ids.some((id) => this.#gapIsNext(id) || this.#endIsNext(id));
  }

  /** Whether a wait for this resolves at once (C4). */
  isReached(until) {
    if (this.phase === 'done' || this.phase === 'refused') return true;
    if (this.phase === 'ended') return until === 'exited' || this.released;
    return this.phase === 'reaped' && until === 'exited';
  }

  /** Whether nothing can change any more. */
  get isDone() {
    return this.phase === 'done' || this.phase === 'refused';
  }

  /** The terminal, once waiters for it are resolved. */
  terminal() {
    if (this.status === null || !this.isReached('terminal')) return null;
    const streams = {};
    for (const id of this.ids) {
      const { source, end, delivered, dropped, held } = this.lanes.get(id);
      if (source === 'ended' || source === 'finished') streams[id] = { end, delivered, dropped, held };
    }
    return {
      status: this.status,
      cause: { ...this.cause, killedByUs: this.killed && { ...this.killed } },
      streams,
    };
  }

  /** How long a timer runs from its arming, in milliseconds. */
  delay(timer) {
    const { drain, bufferFull } = this.policy;
    switch (timer.split(' ')[0]) {
      case 'timeout': return this.policy.timeout;
      case 'grace': return this.policy.killGrace;
      case 'stall': return bufferFull.after;
      case 'close': return this.policy.closeMax;
      case 'shutdown': return this.policy.shutdownMax;
      case 'idle': return drain.gap;
      default: return drain.max;
    }
  }
}

/** Drops bytes behind all that is queued. */
function drop(lane, length) {
  lane.dropped += length;
  lane.gap += length;
}
