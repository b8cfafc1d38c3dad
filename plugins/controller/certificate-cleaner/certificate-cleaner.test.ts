import assert from 'node:assert/strict';
import { it } from 'node:test';
import { CertificateSigningRequest, SIGNERS } from 'kernetes/sdk';
import { activate, fakeClock, makeCertificate, TestKernel } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const START = fakeClock().now();

async function certificate(lifeMs: number): Promise<string> {
  const life = { notBefore: START - DAY_MS, notAfter: START + lifeMs };
  return Buffer.from(await makeCertificate('CN=a', life)).toString('base64');
}

const long = await certificate(365 * DAY_MS);
const short = await certificate(10 * MINUTE_MS);

interface Case {
  readonly name: string;
  readonly types: readonly string[];
  readonly certificate?: string;
  /** Undefined: it stays. */
  readonly goesAfterMs: number | undefined;
}

const CASES: readonly Case[] = [
  { name: 'undecided', types: [], goesAfterMs: DAY_MS },
  { name: 'signed', types: ['Approved'], certificate: long, goesAfterMs: HOUR_MS },
  { name: 'over', types: ['Approved'], certificate: short, goesAfterMs: 10 * MINUTE_MS },
  { name: 'broken', types: ['Approved'], certificate: 'YQ==', goesAfterMs: HOUR_MS },
  { name: 'denied', types: ['Denied'], goesAfterMs: HOUR_MS },
  { name: 'failed', types: ['Approved', 'Failed'], goesAfterMs: HOUR_MS },
  { name: 'approved', types: ['Approved'], goesAfterMs: undefined },
  { name: 'noted', types: ['Mine'], goesAfterMs: undefined },
];

for (const { name, types, certificate, goesAfterMs } of CASES) {
  const when = goesAfterMs === undefined ? 'never' : `after ${goesAfterMs / MINUTE_MS} minutes`;
  it(`controller.certificate-cleaner deletes what is ${name} ${when}`, async () => {
    const clock = fakeClock();
    const kernel = new TestKernel({ clock });
    const now = new Date(clock.now()).toISOString();
    const conditions = types.map(type => ({ type, status: 'True', lastUpdateTime: now }));
    kernel.add(CertificateSigningRequest, {
      metadata: { name: 'a', creationTimestamp: now },
      spec: { request: '', signerName: SIGNERS.client },
      status: { conditions, ...(certificate && { certificate }) },
    });
    await activate(plugin, { kernel, clock });
    const isThere = () => kernel.all(CertificateSigningRequest).length === 1;
    if (goesAfterMs === undefined) {
      for (let day = 0; day < 3; day++) await clock.step(DAY_MS);
      assert.ok(isThere());
      return;
    }
    await clock.step(goesAfterMs - 1_000);
    assert.ok(isThere());
    await clock.step(1_000);
    assert.ok(!isThere());
  });
}
