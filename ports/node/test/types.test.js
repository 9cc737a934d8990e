// The types name what is exported; types/check holds what they say of it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as exported from '../index.js';

test('the types declare what is exported, and no more', () => {
  const types = readFileSync(new URL('../index.d.ts', import.meta.url), 'utf8');
  const values = [...types.matchAll(/^export (?:class|function) (\w+)/gm)].map(([, name]) => name);
  assert.deepEqual(values.sort(), Object.keys(exported).sort());
});
