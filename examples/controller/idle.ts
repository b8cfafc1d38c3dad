import { controller, Deployment } from 'kernetes/sdk';

const USED_AT = 'example.dev/used-at';

/**
 * Scales a Deployment to zero when the time in its annotation `example.dev/used-at` is longer ago
 * than the configured idle time. Deployments without the annotation are left alone.
 */
export default controller<Deployment, { idleMs: number }>({
  name: 'scale-idle-to-zero',
  for: Deployment,
  config: {
    type: 'object',
    additionalProperties: false,
    properties: { idleMs: { type: 'integer', minimum: 1, default: 300_000 } },
  },
  async reconcile(key, { object, objects, clock, config, events }) {
    const usedAt = object?.metadata.annotations?.[USED_AT];
    if (object === undefined || usedAt === undefined || object.spec?.replicas === 0) return;
    const idleInMs = Date.parse(usedAt) + config.idleMs - clock.now();
    if (idleInMs > 0) return { requeueAfter: idleInMs };
    await objects.patch(Deployment, key, { spec: { replicas: 0 } });
    events.event(object, 'Normal', 'ScaledToZero', `Unused since ${usedAt}`);
    return undefined;
  },
});
