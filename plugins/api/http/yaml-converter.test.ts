import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ApiError } from 'kernetes/sdk';
import { fakeClock } from 'kernetes/sdk/testing';
import { YamlConverter } from './yaml-converter.ts';
import { jsonToYaml, yamlToJson } from './yaml-text.ts';

const LONG = `data:\n${Array.from({ length: 3_000 }, (_, n) => `  key-${n}: value ${n}\n`).join('')}`;

describe('YamlConverter', () => {
  it('reads and writes in its thread what it would itself', async () => {
    const yaml = new YamlConverter(fakeClock());
    assert.deepEqual(await yaml.toJson('a: b'), { json: '{"a":"b"}', duplicates: [] });
    assert.equal(yaml.isRunning, false);
    const text = `${LONG}  key-7: again\n`;
    const reading = await yaml.toJson(text);
    assert.equal(yaml.isRunning, true);
    assert.deepEqual(reading, yamlToJson(text));
    assert.deepEqual(reading.duplicates, ['line 3002: key "key-7" already set in map']);
    assert.equal(await yaml.toYaml(reading.json), jsonToYaml(reading.json));
    await assert.rejects(yaml.toJson(`${LONG}: [`), error => !(error instanceof ApiError));
    yaml.close();
  });

  it('leaves its caller its turns', async () => {
    const yaml = new YamlConverter(fakeClock());
    let isDone = false;
    let turns = 0;
    const reading = yaml.toJson(LONG).finally(() => {
      isDone = true;
    });
    while (!isDone) {
      turns++;
      await new Promise(setImmediate);
    }
    await reading;
    assert.ok(turns > 100, `${turns} turns`);
    yaml.close();
  });

  it('takes so many texts at a time and refuses more', async () => {
    const yaml = new YamlConverter(fakeClock());
    const texts = Array.from({ length: 20 }, () => yaml.toJson(LONG));
    const ends = await Promise.allSettled(texts);
    const refused = ends.flatMap(end => (end.status === 'rejected' ? [end.reason] : []));
    assert.equal(refused.length, 3);
    for (const error of refused) assert.ok(ApiError.is(error, 'TooManyRequests'));
    yaml.close();
  });

  it('ends its thread when there was nothing for a while, and begins anew', async () => {
    const clock = fakeClock();
    const yaml = new YamlConverter(clock);
    await yaml.toJson(LONG);
    await clock.step(10_000);
    assert.equal(yaml.isRunning, false);
    assert.deepEqual(await yaml.toJson(LONG), yamlToJson(LONG));
    yaml.close();
  });

  it('gives up what takes too long, and nothing else', async () => {
    const clock = fakeClock();
    const yaml = new YamlConverter(clock);
    const slow = assert.rejects(yaml.toJson(LONG), /takes too much time/);
    const next = yaml.toJson(LONG);
    await clock.step(30_000);
    await slow;
    assert.deepEqual(await next, yamlToJson(LONG));
    yaml.close();
  });

  it('survives a text that takes all the memory there is for it', async () => {
    const yaml = new YamlConverter(fakeClock(), { heapMb: 24 });
    const many = '[],'.repeat(100_000);
    await assert.rejects(yaml.toJson(`[${many}]`), /takes too much memory/);
    assert.equal((await yaml.toJson(`a: "${'x'.repeat(20_000)}"`)).duplicates.length, 0);
    yaml.close();
  });

  it('rejects what is under way when it is closed, and all that comes', async () => {
    const yaml = new YamlConverter(fakeClock());
    const ends = [LONG, LONG].map(text => assert.rejects(yaml.toJson(text), /is stopping/));
    yaml.close();
    await Promise.all(ends);
    await assert.rejects(yaml.toJson(LONG), /is stopping/);
    assert.equal(yaml.isRunning, false);
  });
});
