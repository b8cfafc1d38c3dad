import { isEmptySelector, type LabelSelector, type PodDisruptionBudget } from 'kernetes/sdk';

/**
 * An empty selector selects every pod in `v1` and none in `v1beta1`. So that a budget means the
 * same through both, "none" is in `v1` an expression that nothing satisfies and "all" is in
 * `v1beta1` one that everything satisfies; each is taken back on the other way. All upstream's.
 */
const NON_PDB_LABEL = 'pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match';

const MATCH_ALL: LabelSelector = {
  matchExpressions: [{ key: NON_PDB_LABEL, operator: 'DoesNotExist' }],
};

const MATCH_NONE: LabelSelector = {
  matchExpressions: [{ key: NON_PDB_LABEL, operator: 'Exists' }],
};

/** Both change their argument. */
export function fromV1beta1(budget: PodDisruptionBudget): PodDisruptionBudget {
  return replace(budget, [isEmptySelector, MATCH_NONE], [isOnly('DoesNotExist'), {}]);
}

export function toV1beta1(budget: PodDisruptionBudget): PodDisruptionBudget {
  return replace(budget, [isEmptySelector, MATCH_ALL], [isOnly('Exists'), {}]);
}

type Replacement = readonly [(selector: LabelSelector) => boolean, LabelSelector];

function replace(
  budget: PodDisruptionBudget,
  ...replacements: readonly Replacement[]
): PodDisruptionBudget {
  const selector = budget.spec?.selector;
  if (budget.spec === undefined || selector === undefined) return budget;
  const found = replacements.find(([applies]) => applies(selector));
  if (found !== undefined) budget.spec.selector = structuredClone(found[1]);
  return budget;
}

/** Whether a selector is nothing but the expression that stands for "all" or "none". */
function isOnly(operator: string): (selector: LabelSelector) => boolean {
  return ({ matchLabels = {}, matchExpressions = [] }) => {
    const [expression] = matchExpressions;
    if (Object.keys(matchLabels).length > 0 || matchExpressions.length !== 1) return false;
    return expression?.key === NON_PDB_LABEL && expression.operator === operator;
  };
}
