import { scheduler, verdict } from 'kernetes/sdk';
import { hasLabels, type LabelConfig, preferenceScore } from './labels.ts';

const MISSING = verdict.unresolvable("node(s) didn't have the requested labels");

const keys = { type: 'array', items: { type: 'string' }, default: [] };

export default scheduler.plugin<LabelConfig, undefined>({
  name: 'NodeLabel',
  cacheable: true,
  requeueOn: ['NodeAdd', 'NodeLabel'],
  config: {
    type: 'object',
    additionalProperties: false,
    properties: {
      presentLabels: keys,
      absentLabels: keys,
      presentLabelsPreference: keys,
      absentLabelsPreference: keys,
    },
  },
  preFilter: ({ config: { presentLabels, absentLabels } }) =>
    presentLabels.length + absentLabels.length > 0 ? undefined : verdict.skip,
  filter: ({ node, config }) => (hasLabels(node, config) ? undefined : MISSING),
  preScore: ({ config: { presentLabelsPreference, absentLabelsPreference } }) =>
    presentLabelsPreference.length + absentLabelsPreference.length > 0 ? undefined : verdict.skip,
  score: ({ node, config }) => preferenceScore(node, config),
});
