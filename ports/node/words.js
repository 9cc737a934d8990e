// The words of the conformance protocol: values from strings, and strings from values.

import { defaultPolicy, inOrder } from './machine.js';

const bytes = (text) => Buffer.from(text, 'latin1');

function statusOf(words) {
  const [name, number, core] = words;
  switch (name) {
    case 'exited': return { kind: name, code: Number(number) };
    case 'signaled': return { kind: name, signal: Number(number), core: core === 'core' };
    case 'unknown': return { kind: name, errno: Number(number) };
    case 'lost':
    case 'forced': return { kind: name };
    default: throw new SyntaxError(`no status "${name}"`);
  }
}

/** An input. */
export function readInput(text) {
  const words = text.split(' ');
  const [kind, stream] = words;
  switch (kind) {
    case 'chunk': {
      const at = text.indexOf(' ', kind.length + 1);
      return { kind, stream, chunk: bytes(at < 0 ? '' : text.slice(at + 1)) };
    }
    case 'read_error': return { kind, stream, errno: Number(words[2]) };
    case 'reap': {
      const at = words.indexOf('standing');
      const standing = {};
      for (let i = at + 1; at >= 0 && i < words.length; i += 2) standing[words[i]] = Number(words[i + 1]);
      return { kind, status: statusOf(words.slice(1, at < 0 ? undefined : at)), standing };
    }
    case 'wait':
    case 'cancel_wait': return { kind, until: stream };
    case 'signal': return { kind, signal: Number(stream) };
    case 'timeout': return { kind, timer: words.slice(1).join(' ') };
    default: return stream === undefined ? { kind } : { kind, stream };
  }
}

/** An input in words. */
export function inputWords(input) {
  const { kind, stream } = input;
  switch (kind) {
    case 'chunk': return `chunk ${stream} ${input.chunk.toString('latin1')}`;
    case 'read_error': return `${kind} ${stream} ${input.errno}`;
    case 'reap': {
      const standing = Object.entries(input.standing).filter(([, bytes]) => bytes > 0);
      const words = standing.map(([id, bytes]) => ` ${id} ${bytes}`).join('');
      return `reap ${statusWords(input.status)}${words && ` standing${words}`}`;
    }
    case 'wait':
    case 'cancel_wait': return `${kind} ${input.until}`;
    case 'signal': return `signal ${input.signal}`;
    case 'timeout': return `timeout ${input.timer}`;
    default: return stream === undefined ? kind : `${kind} ${stream}`;
  }
}

/** A policy in words: every value but those that are none. */
export function policyWords(policy) {
  const { drain, bufferFull, limit, timeout } = policy;
  const lines = [
    ['drain', drain.kind, drain.gap, drain.max],
    ['descendants', policy.descendants],
    ['kill_signal', policy.killSignal],
    ['kill_grace', policy.killGrace],
    ['kill_target', policy.killTarget],
    ['buffer_bytes_max', policy.bufferBytesMax],
    ['buffer_chunks_max', policy.bufferChunksMax],
    ['buffer_full', bufferFull.kind, bufferFull.kind === 'kill_after' ? bufferFull.after : undefined],
    ['close_max', policy.closeMax],
    ['shutdown_max', policy.shutdownMax],
  ];
  if (limit) lines.push(['limit', limit.bytesMax, limit.over, limit.over === 'keep_tail' ? limit.tail : undefined]);
  if (timeout !== null) lines.push(['timeout', timeout]);
  return lines.map((words) => words.filter((word) => word !== undefined).join(' '));
}

/** A policy from what differs from the default. */
export function readPolicy(lines) {
  const policy = defaultPolicy();
  for (const line of lines) {
    const [key, ...words] = line.split(' ');
    const [word, one, two] = words;
    switch (key) {
      case 'drain':
        if (word === 'until_eof') policy.drain = { kind: word };
        else if (word === 'after') policy.drain = { kind: word, max: Number(one) };
        else policy.drain = { kind: word, gap: Number(one), max: Number(two) };
        break;
      case 'descendants': policy.descendants = word; break;
      case 'kill_signal': policy.killSignal = Number(word); break;
      case 'kill_grace': policy.killGrace = Number(word); break;
      case 'kill_target': policy.killTarget = word; break;
      case 'buffer_bytes_max': policy.bufferBytesMax = Number(word); break;
      case 'buffer_chunks_max': policy.bufferChunksMax = Number(word); break;
      case 'buffer_full': policy.bufferFull = { kind: word, after: Number(one) }; break;
      case 'limit': policy.limit = { bytesMax: Number(word), over: one, tail: Number(two) }; break;
      case 'timeout': policy.timeout = Number(word); break;
      case 'close_max': policy.closeMax = Number(word); break;
      case 'shutdown_max': policy.shutdownMax = Number(word); break;
      default: throw new SyntaxError(`no policy "${key}"`);
    }
  }
  return policy;
}

/** A status. */
export function statusWords(status) {
  switch (status.kind) {
    case 'exited': return `exited ${status.code}`;
    case 'signaled': return `signaled ${status.signal}${status.core ? ' core' : ''}`;
    case 'unknown': return `unknown ${status.errno}`;
    default: return status.kind;
  }
}

function endWords(end) {
  if (end.kind === 'cut') return `cut ${end.cut}`;
  if (end.kind === 'read_error') return `read_error ${end.errno}`;
  return end.kind;
}

function terminalWords(name, terminal) {
  const { status, cause, streams } = terminal;
  const lines = [`${name} ${statusWords(status)}`];
  const causes = [
    ['timedOut', 'timed_out'],
    ['cancelled', 'cancelled'],
    ['outputLimit', 'output_limit'],
    ['stalled', 'stalled'],
  ];
  for (const [key, word] of causes) if (cause[key]) lines.push(`cause ${word}`);
  if (cause.killedByUs) {
    const { signal, escalated } = cause.killedByUs;
    lines.push(`killed_by_us ${signal}${escalated ? ' escalated' : ''}`);
  }
  for (const [id, { end, delivered, dropped, held }] of Object.entries(streams)) {
    lines.push(`report ${id} ${delivered} ${dropped} ${endWords(end)}${held ? ' held' : ''}`);
  }
  return lines;
}

function eventWords(event) {
  switch (event.kind) {
    case 'chunk': return [`chunk ${event.stream} ${event.chunk.toString('latin1')}`];
    case 'gap': return [`gap ${event.stream} ${event.bytes}`];
    case 'end': return [`end ${event.stream} ${endWords(event.end)}`];
    default: return terminalWords('exit', event.terminal);
  }
}

/** What follows from a step. */
export function stepWords(step, machine) {
  const lines = step.event ? eventWords(step.event) : [];
  for (const signal of inOrder(step.signals)) lines.push(`signal ${signal}`);
  for (const id of machine.ids) {
    if (step.pumps.has(id)) lines.push(`${step.pumps.get(id)} ${id}`);
  }
  const ofStreams = machine.ids.flatMap((id) => [`idle ${id}`, `deadline ${id}`]);
  for (const timer of ['timeout', 'grace', 'stall', 'close', 'shutdown', ...ofStreams]) {
    const action = step.timers.get(timer);
    if (action === undefined) continue;
    const delay = action.startsWith('arm') ? ` ${machine.delay(timer)}` : '';
    lines.push(`${action} ${timer}${delay}`);
  }
  const { exited, terminal } = step.resolved;
  if (exited > 0) lines.push(`resolved exited ${exited}`);
  if (terminal > 0) {
    lines.push(`resolved terminal ${terminal}`);
    const told = machine.terminal();
    if (told && !step.event) lines.push(...terminalWords('terminal', told));
  }
  if (step.reply !== 'done') lines.push(`reply ${step.reply}`);
  if (step.ready) lines.push('ready');
  return lines;
}

/** What each pump may read at most. */
export function roomWords(machine) {
  return machine.ids
    .map((id) => [id, machine.room(id)])
    .filter(([, room]) => room > 0)
    .map(([id, room]) => `${id} ${room === Infinity ? 'any' : room}`);
}
