// Answers the questions of `lastbyte conform`: a history in, what follows from each step out.

import { createInterface } from 'node:readline';
import { Illegal, Machine, invalidPolicy } from './machine.js';
import { readInput, readPolicy, roomWords, stepWords } from './words.js';

function answer(question) {
  const policy = readPolicy(question.policy);
  const invalid = invalidPolicy(policy);
  if (invalid) return { id: question.id, invalid };
  const machine = new Machine(question.streams, policy);
  const steps = question.inputs.map((input) => {
    try {
      return stepWords(machine.step(readInput(input)), machine);
    } catch (error) {
      if (error instanceof Illegal) return [`illegal ${error.why}`];
      throw error;
    }
  });
  return { id: question.id, steps, room: roomWords(machine) };
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(answer(JSON.parse(line)))}\n`);
}
