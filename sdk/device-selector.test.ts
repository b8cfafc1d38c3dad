import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { type Cel, type CelDevice, loadCel } from './cel/cel.ts';
import { compileDeviceSelector } from './device-selector.ts';

const DEVICE: CelDevice = {
  driver: 'd.example.com',
  attributes: {
    model: { string: 'a100' },
    index: { int: 3 },
    firmware: { version: '1.2.3' },
    ports: { strings: ['x', 'y'] },
    'other.com/healthy': { bool: true },
  },
  capacity: { memory: { value: '80Gi' } },
};
const OWN = 'device.attributes["d.example.com"]';
const MEMORY = 'device.capacity["d.example.com"].memory';

describe('selectors of devices', () => {
  let cel: Cel;
  before(async () => {
    cel = await loadCel();
  });
  const ask = (expression: string) =>
    compileDeviceSelector(cel, expression).evaluate(
      { device: DEVICE },
      { limit: 1_000_000, spent: 0 },
    );

  const cases: [string, string, boolean][] = [
    ['the driver', 'device.driver == "d.example.com"', true],
    ['attributes without a domain in that of the driver', `${OWN}.model == "a100"`, true],
    ['attributes of other domains', 'device.attributes["other.com"].healthy', true],
    ['numbers', `${OWN}.index > 2 && ${OWN}.index != 4`, true],
    ['versions', `${OWN}.firmware.isLessThan(semver("1.10.0"))`, true],
    ['lists', `"x" in ${OWN}.ports && !("z" in ${OWN}.ports)`, true],
    ['capacities', `${MEMORY}.compareTo(quantity("40Gi")) >= 0`, true],
    ['an attribute that there is not', `has(${OWN}.none)`, false],
    ['a domain that there is not as an empty one', 'has(device.attributes["none"].x)', false],
    ['which domains there are', '"other.com" in device.attributes', true],
    ['which there are not', '"none" in device.attributes', false],
    ['a name for what is long', `cel.bind(own, ${OWN}, own.index == 3 && has(own.model))`, true],
    ['whether it may be had several times', 'device.allowMultipleAllocations', false],
  ];
  for (const [title, expression, want] of cases) {
    it(`know ${title}`, () => assert.equal(ask(expression), want));
  }

  const wrong: [string, string, RegExp][] = [
    ['an attribute that there is not', `${OWN}.none`, /^no such key: none/],
    ['a field that there is not', 'device.name == "x"', /undefined field 'name'/],
    ['no bool', '1', /^must evaluate to bool or the unknown type, not int$/],
    ['another variable', 'node == "x"', /undeclared reference to 'node'/],
  ];
  for (const [title, expression, message] of wrong) {
    it(`fail on ${title}`, () => assert.throws(() => ask(expression), { message }));
  }
});
