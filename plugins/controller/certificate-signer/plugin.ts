import {
  type CertificateAuthority,
  CertificateSigningRequest,
  type ConfigOf,
  certificateAuthorityPoint,
  definePlugin,
  keyOf,
  runController,
} from 'kernetes/sdk';
import { type Decision, decide } from './signing.ts';

const CONFIG = {
  type: 'object',
  additionalProperties: false,
  properties: { durationSeconds: { type: 'integer', minimum: 600, default: 31_536_000 } },
} as const;

export default definePlugin<ConfigOf<typeof CONFIG>>({
  name: 'controller.certificate-signer',
  leader: 'kube-controller-manager',
  config: CONFIG,
  activate(ctx) {
    const { clock, config, objects } = ctx;
    const durationMs = config.durationSeconds * 1_000;
    const authorities = ctx.contributions(certificateAuthorityPoint);
    const running = runController(ctx, {
      for: CertificateSigningRequest,
      async reconcile(_key, { object }) {
        const [authority] = authorities.list();
        if (object === undefined || authority === undefined) return undefined;
        const decision = decide(object, { now: clock.now(), durationMs });
        if (decision === undefined) return undefined;
        const status = await statusBy(decision, object, authority.value);
        await objects.updateStatus(CertificateSigningRequest, { ...object, status });
        return undefined;
      },
    });
    authorities.onChange(() => {
      for (const request of running.informer(CertificateSigningRequest).list()) {
        running.enqueue({ name: keyOf(request) });
      }
    });
  },
});

async function statusBy(
  decision: Decision,
  { status = {} }: CertificateSigningRequest,
  authority: CertificateAuthority,
): Promise<NonNullable<CertificateSigningRequest['status']>> {
  if ('failed' in decision) {
    const { conditions = [] } = status;
    return { ...status, conditions: [...conditions, decision.failed] };
  }
  const certificate = `${(await authority.sign(decision.template)).trimEnd()}\n`;
  return { ...status, certificate: Buffer.from(certificate).toString('base64') };
}
