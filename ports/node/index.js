// Run a command, and get every byte of its output before its exit.

import { spawn as start } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { delimiter, resolve as pathOf } from 'node:path';
import { Execution } from './execution.js';
import { defaultPolicy, invalidPolicy } from './machine.js';

export { Execution } from './execution.js';
export { Illegal, Machine, defaultPolicy } from './machine.js';

/** A start that was refused: nothing is left of it (C14). */
export class StartError extends Error {
  constructor(program, stage, code, errno) {
    super(`failed to run ${JSON.stringify(program)}: ${code} (${stage})`);
    this.name = 'StartError';
    this.stage = stage;
    this.code = code;
    this.errno = errno;
  }
}

/** The stage at which a start failed. Node says the error of chdir and exec alike: we look. */
function stageOf(error, program, cwd, env) {
  if (['EAGAIN', 'ENOMEM'].includes(error.code)) return 'fork';
  if (['EMFILE', 'ENFILE'].includes(error.code)) return 'pipes';
  if (cwd !== undefined) {
    try {
      if (!statSync(cwd).isDirectory()) return 'chdir';
    } catch {
      return 'chdir';
    }
  }
  // A file that is there lacks its interpreter.
  if (error.code === 'ENOENT') return isThere(program, cwd, env) ? 'exec' : 'lookup';
  return error.code === 'EACCES' || error.code === 'EPERM' ? 'permission' : 'exec';
}

function isThere(program, cwd = '.', { PATH = '' } = process.env) {
  const folders = program.includes('/') ? [cwd] : PATH.split(delimiter);
  return folders.some((folder) => existsSync(pathOf(folder, program)));
}

/**
 * Starts a command. Options: `cwd`, `env`, `stdin` (`pipe` or `ignore`, the default), `stdout` and
 * `stderr` (`pipe`, the default, `ignore` or `inherit`), `policy` (what differs from the default),
 * `trace` (a function that takes lines), `traceSteps` (whether each step of the machine is one).
 */
export function spawn(program, args = [], options = {}) {
  const { cwd, env, stdin = 'ignore', stdout = 'pipe', stderr = 'pipe', trace, traceSteps } = options;
  const policy = { ...defaultPolicy(), ...options.policy };
  const invalid = invalidPolicy(policy);
  if (invalid) return Promise.reject(new RangeError(`the policy cannot be carried out: ${invalid}`));
  return new Promise((resolve, reject) => {
    const refuse = (error) => {
      trace?.(`${JSON.stringify({ execution: `refused-${Date.now()}`, event: 'refused' })}\n`);
      const errno = Math.abs(error.errno ?? 0);
      reject(new StartError(program, stageOf(error, program, cwd, env), error.code, errno));
    };
    let child;
    try {
      // A group of its own, so that a kill reaches what it has started.
      child = start(program, args, { cwd, env, detached: true, stdio: [stdin, stdout, stderr] });
    } catch (error) {
      if (typeof error.errno !== 'number') throw error;
      refuse(error);
      return;
    }
    if (child.pid === undefined) {
      child.once('error', refuse);
      return;
    }
    // After the start only a failed kill says an error, and that is no error of the execution.
    child.on('error', () => {});
    const piped = [stdout === 'pipe', stderr === 'pipe'];
    const streams =
      piped[0] && piped[1] ? 'separate' : piped[0] ? 'stdout' : piped[1] ? 'stderr' : 'none';
    resolve(new Execution(child, streams, policy, trace, traceSteps));
  });
}

/** Runs a command to its end and collects its output. */
export async function output(program, args, options) {
  const execution = await spawn(program, args, options);
  return execution.output();
}
