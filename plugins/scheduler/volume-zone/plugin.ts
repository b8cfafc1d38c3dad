import { definePlugin, podClaims, provideSchedulerPlugin, verdict } from 'kernetes/sdk';
import { VolumeZones } from './volume-zones.ts';
import { isInZones, type Zone } from './zone.ts';

export default definePlugin({
  name: 'VolumeZone',
  leader: 'kube-scheduler',
  config: { type: 'object', additionalProperties: false },
  activate(ctx) {
    const volumes = new VolumeZones(ctx);
    provideSchedulerPlugin<unknown, readonly Zone[]>(ctx, {
      name: 'VolumeZone',
      requeueOn: ['NodeAdd', 'NodeLabel'],
      watch: wake => volumes.onChange(wake),
      preFilter(context) {
        const claims = podClaims(context.pod);
        if (claims.length === 0) return verdict.skip;
        const zones = volumes.zonesOf(context.pod, claims);
        if ('code' in zones) return zones;
        if (zones.length === 0) return verdict.skip;
        context.state = zones;
        return undefined;
      },
      filter: ({ node, state }) => (state && !isInZones(node, state) ? NO_ZONE : undefined),
    });
  },
});

const NO_ZONE = verdict.unresolvable('node(s) had no available volume zone');
