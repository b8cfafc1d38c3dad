import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  CertificateSigningRequest,
  type CertificateTemplate,
  certificateAuthorityPoint,
  SIGNERS,
} from 'kernetes/sdk';
import { activate, makeCertificateRequest, TestKernel, testContext } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const { base64 } = await makeCertificateRequest('CN=alice');

function csr(name: string, usages: string[]): CertificateSigningRequest {
  return {
    metadata: { name },
    spec: { request: base64, signerName: SIGNERS.client, usages },
    status: { conditions: [{ type: 'Approved', status: 'True' }] },
  };
}

it('controller.certificate-signer waits for the authority, then signs or says why not', async () => {
  const kernel = new TestKernel();
  kernel.add(CertificateSigningRequest, csr('good', ['client auth']), csr('bad', ['server auth']));
  const config = { durationSeconds: 3_600 };
  const { clock } = await activate(plugin, { kernel, config });
  const statusOf = (name: string) => kernel.get(CertificateSigningRequest, name)?.status ?? {};
  assert.deepEqual(Object.keys(statusOf('good')), ['conditions']);
  const signed: CertificateTemplate[] = [];
  const sign = async (template: CertificateTemplate) => {
    signed.push(template);
    return 'PEM';
  };
  testContext({ kernel, name: 'kernel' }).context.provide(certificateAuthorityPoint, { sign });
  await clock.step(0);
  assert.equal(atob(statusOf('good').certificate ?? ''), 'PEM\n');
  assert.equal(signed.length, 1);
  assert.equal((signed[0]?.notAfter ?? 0) - clock.now(), 3_600_000);
  assert.equal(statusOf('bad').certificate, undefined);
  assert.deepEqual(
    statusOf('bad').conditions?.map(({ type }) => type),
    ['Approved', 'Failed'],
  );
});
