import {
  formatQuantity,
  type LabelSelector,
  type QuantityFormat,
  quantityMilliValue,
} from 'kernetes/sdk';
import { NoProposal } from './no-proposal.ts';

/** Thousandths as a quantity's text. */
export function milliText(milli: number, format: QuantityFormat = 'DecimalSI'): string {
  return formatQuantity({ mantissa: BigInt(Math.round(milli)), scale: -3, format });
}

/** A target in thousandths. */
export function parseMilli(text: string | undefined): number {
  const milli = quantityMilliValue(text ?? '0');
  if (milli > 0) return milli;
  throw new NoProposal(`the target value must be positive, is ${text ?? 'not set'}`);
}

/** As Go prints the struct: it stands in the metric's name. */
export function selectorText(selector: LabelSelector | undefined): string {
  if (!selector) return 'nil';
  const { matchLabels = {}, matchExpressions = [] } = selector;
  const labels = Object.keys(matchLabels)
    .sort()
    .map(key => `${key}: ${matchLabels[key]},`);
  const expressions = matchExpressions.map(({ key, operator, values = [] }) => {
    const list = values.join(' ');
    return `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${list}],},`;
  });
  const parts = [
    `MatchLabels:map[string]string{${labels.join('')}}`,
    `MatchExpressions:[]LabelSelectorRequirement{${expressions.join('')}}`,
  ];
  return `&LabelSelector{${parts.join(',')},}`;
}
