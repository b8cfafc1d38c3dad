import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ScoreRings } from './score-rings.ts';

for (const [name, scores] of [
  ['whole numbers', [0, 100, 7]],
  ['fractions', [0, 33.5, 7]],
  ['large and negative ones', [-1, 300, 1e12]],
] as const) {
  test(`read() gives ${name} back, of a list and of places`, () => {
    const rings = new ScoreRings();
    const numbers = Float64Array.from(scores);
    const place = rings.keep(numbers);
    const other = rings.keepAt(numbers, Int32Array.of(2, 0, 1), 2);
    assert.deepEqual([...(rings.read(place, 3) ?? [])], scores);
    assert.deepEqual([...(rings.read(other, 2) ?? [])], [scores[2], scores[0]]);
  });
}

for (const [name, fraction] of [
  ['small', 0],
  ['large', 0.5],
] as const) {
  test(`a ${name} column is there until it is overwritten, then not at all`, () => {
    const rings = new ScoreRings();
    const column = (number: number) => new Float64Array(100_001).fill((number % 50) + fraction);
    const places: number[] = [];
    for (let i = 0; i < 50; i++) places.push(rings.keep(column(i)));
    const known = places.map((place, i) => {
      const read = rings.read(place, 100_001);
      if (read) assert.deepEqual(read, column(i));
      return read !== undefined;
    });
    assert.equal(known.indexOf(true), known.lastIndexOf(false) + 1);
    assert.ok(known.includes(true) && known.includes(false));
    assert.equal(rings.keep(new Float64Array(1 << 22)), -1);
  });
}
