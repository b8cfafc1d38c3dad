import { type AdmissionPlugin, admissionPoint, definePlugin, type Pod } from 'kernetes/sdk';

interface Config {
  readonly notReadySeconds: number;
  readonly unreachableSeconds: number;
}

export default definePlugin<Config>({
  name: 'admission.default-toleration-seconds',
  config: {
    type: 'object',
    additionalProperties: false,
    properties: {
      notReadySeconds: { type: 'integer', default: 300 },
      unreachableSeconds: { type: 'integer', default: 300 },
    },
  },
  activate(ctx) {
    const { notReadySeconds, unreachableSeconds } = ctx.config;
    const seconds: Seconds = [
      ['node.kubernetes.io/not-ready', notReadySeconds],
      ['node.kubernetes.io/unreachable', unreachableSeconds],
    ];
    ctx.provide(admissionPoint, defaultTolerations(seconds));
  },
});

/** How long each taint is tolerated. */
type Seconds = readonly (readonly [key: string, tolerationSeconds: number])[];

function defaultTolerations(seconds: Seconds): AdmissionPlugin {
  return {
    rules: [{ operations: ['CREATE', 'UPDATE'], groups: [''], resources: ['pods'] }],
    mutate({ object }) {
      const { spec } = object as Pod;
      if (spec === undefined) return;
      spec.tolerations ??= [];
      const { tolerations } = spec;
      for (const [key, tolerationSeconds] of seconds) {
        const isThere = tolerations.some(
          each => (!each.key || each.key === key) && (!each.effect || each.effect === 'NoExecute'),
        );
        if (isThere) continue;
        tolerations.push({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds });
      }
    },
  };
}
