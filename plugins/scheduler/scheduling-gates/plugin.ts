import { scheduler, verdict } from 'kernetes/sdk';

export default scheduler.plugin<Record<string, never>, undefined>({
  name: 'SchedulingGates',
  // Only a change of the pod itself helps, and that is always looked at.
  requeueOn: [],
  config: { type: 'object', additionalProperties: false },
  preEnqueue({ pod }) {
    const gates = pod.spec.schedulingGates ?? [];
    if (gates.length === 0) return undefined;
    const names = gates.map(({ name }) => name).join(' ');
    return verdict.unresolvable(`waiting for scheduling gates: [${names}]`);
  },
});
