// Writes what happens to executions as a trace: JSON lines that `lastbyte trace check` reads.

import { inOrder } from './machine.js';
import { inputWords, policyWords, stepWords } from './words.js';

let executions = 0;

const status = (status) => {
  switch (status.kind) {
    case 'exited': return { code: status.code };
    case 'signaled': return { signal: status.signal, core: status.core };
    case 'unknown': return { unknown: status.errno };
    default: return { [status.kind]: true };
  }
};

const end = ({ kind, cut, errno }) => ({ end: kind, why: cut, errno });

function exit({ status: how, cause, streams }) {
  const entries = Object.entries(streams);
  return {
    event: 'exit',
    status: status(how),
    timed_out: cause.timedOut,
    cancelled: cause.cancelled,
    output_limit: cause.outputLimit,
    stalled: cause.stalled,
    killed_by_us: cause.killedByUs,
    cut: entries
      .filter(([, report]) => report.end.kind === 'cut')
      .map(([stream, report]) => ({ stream, why: report.end.cut })),
    streams: Object.fromEntries(
      entries.map(([id, { end: how, delivered, dropped, held }]) => [
        id,
        { end: how.kind, errno: how.errno, delivered, dropped, held },
      ]),
    ),
  };
}

/** Tells `write` each step of one execution, as lines. */
export class Recorder {
  #write;
  #execution = `node-${process.pid}-${(executions += 1)}`;
  #over = false;
  #closing = false;
  #reaped = false;

  constructor(write) {
    this.#write = write;
  }

  /** A step was made. */
  step(input, step, machine) {
    for (const line of this.#input(input, machine)) this.#line(line);
    const leader = !this.#reaped && machine.policy.killTarget === 'leader';
    for (const signal of inOrder(step.signals)) {
      this.#line({ event: 'signal', signal, target: leader ? 'leader' : 'group' });
    }
    for (const [stream, action] of step.pumps) {
      if (action === 'abandon') this.#line({ event: 'let_go', stream });
    }
    if (step.event) this.#event(step.event);
    for (const until of ['exited', 'terminal']) {
      for (let n = 0; n < step.resolved[until]; n += 1) {
        if (machine.status) this.#line({ event: 'resolved', until, status: status(machine.status) });
      }
    }
    if (this.#closing && machine.status) {
      this.#closing = false;
      this.#line({ event: 'closed' });
    }
  }

  #line(fields) {
    this.#write(`${JSON.stringify({ execution: this.#execution, ...fields })}\n`);
  }

  #input(input, machine) {
    const { kind, stream } = input;
    const { policy } = machine;
    switch (kind) {
      case 'started': {
        const drops = policy.limit !== null || policy.bufferFull.kind === 'gap';
        const buffer_bytes_max = drops ? undefined : policy.bufferBytesMax;
        return [{ event: 'spawn', outputs: machine.ids, buffer_bytes_max }];
      }
      case 'chunk': return [{ event: 'read', stream, base64: input.chunk.toString('base64') }];
      case 'eof': return [{ event: 'read_eof', stream }];
      case 'read_error': return [{ event: 'read_error', stream, errno: input.errno }];
      case 'reap':
        this.#reaped = true;
        // What stood in the pipes is not known here, only its bound.
        return [{ event: 'reap', status: status(input.status) }];
      case 'wait':
      case 'cancel_wait': return [{ event: kind, until: input.until }];
      case 'close':
        if (this.#over) return [];
        this.#closing = true;
        return [{ event: kind }];
      case 'kill':
      case 'shutdown':
      case 'detach':
      case 'refused': return [{ event: kind }];
      case 'discard': return [{ event: kind, stream }];
      default: return [];
    }
  }

  #event(event) {
    const { kind, stream } = event;
    switch (kind) {
      case 'chunk': this.#line({ event: kind, stream, base64: event.chunk.toString('base64') }); break;
      case 'gap': this.#line({ event: kind, stream, bytes: event.bytes }); break;
      case 'end': this.#line({ event: kind, stream, ...end(event.end) }); break;
      case 'exit':
        this.#over = true;
        this.#line(exit(event.terminal));
        break;
    }
  }
}

/** Tells `write` each step of one execution in the words of the vectors, with its time. */
export class StepRecorder {
  #write;
  #execution = `node-${process.pid}-${(executions += 1)}`;

  constructor(write, machine) {
    this.#write = write;
    this.#line({ event: 'machine', outputs: machine.ids, policy: policyWords(machine.policy) });
  }

  /** A step was made, at this time. */
  step(input, step, machine, at) {
    this.#line({ event: 'step', at, input: inputWords(input), follows: stepWords(step, machine) });
  }

  #line(fields) {
    this.#write(`${JSON.stringify({ execution: this.#execution, ...fields })}\n`);
  }
}
