// The machine by the vectors, where they are: what `lastbyte conform` asks, asked here.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { Illegal, Machine, invalidPolicy } from '../machine.js';
import { readInput, readPolicy, roomWords, stepWords } from '../words.js';

const folder = new URL('../../../vectors/', import.meta.url);
/** A long run of one character stands as its beginning, the character and a count. */
const whole = (line) => (Array.isArray(line) ? line[0] + line[1].repeat(line[2]) : line);

for (const file of readdirSync(folder).filter((name) => name.endsWith('.jsonl'))) {
  test(`every vector of ${file} passes`, () => {
    const vectors = readFileSync(new URL(file, folder), 'utf8').trim().split('\n');
    assert.ok(vectors.length > 0);
    for (const vector of vectors.map((line) => JSON.parse(line))) {
      const policy = readPolicy(vector.policy ?? []);
      if (vector.invalid !== undefined) {
        assert.equal(invalidPolicy(policy), vector.invalid, vector.id);
        continue;
      }
      const machine = new Machine(vector.streams, policy);
      vector.inputs.map(whole).forEach((input, at) => {
        let lines;
        try {
          lines = stepWords(machine.step(readInput(input)), machine);
        } catch (error) {
          if (!(error instanceof Illegal)) throw error;
          lines = [`illegal ${error.why}`];
        }
        assert.deepEqual(lines, vector.steps[at].map(whole), `${vector.id}, step ${at + 1}: ${input}`);
      });
      assert.deepEqual(roomWords(machine), vector.room ?? [], vector.id);
    }
  });
}
