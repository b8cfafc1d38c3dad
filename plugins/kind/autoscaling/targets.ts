import type { MetricSpec, MetricStatus, MetricTarget, MetricValueStatus } from 'kernetes/sdk';

/** `cpu: 10%/80%, 3/5 + 1 more...`: the Targets cell, as kubectl's server-side printer writes it. */
export function targetsText(
  specs: readonly MetricSpec[],
  statuses: readonly MetricStatus[],
): string {
  if (specs.length === 0) return '<none>';
  const texts = specs.slice(0, SHOWN_MAX).map((spec, i) => oneTarget(spec, statuses[i]));
  const more = specs.length - SHOWN_MAX;
  return more > 0 ? `${texts.join(', ')} + ${more} more...` : texts.join(', ');
}

function oneTarget(spec: MetricSpec, status: MetricStatus | undefined): string {
  switch (spec.type) {
    case 'External':
      return pair(spec.external?.target, status?.external?.current, ' (avg)');
    case 'Pods':
      return pair(spec.pods?.target, status?.pods?.current);
    case 'Object':
      return pair(spec.object?.target, status?.object?.current, ' (avg)');
    case 'Resource': {
      const { name = '', target } = spec.resource ?? {};
      return `${name}: ${pair(target, status?.resource?.current)}`;
    }
    case 'ContainerResource': {
      const { name = '', target } = spec.containerResource ?? {};
      return `${name}: ${pair(target, status?.containerResource?.current)}`;
    }
    default:
      return '<unknown type>';
  }
}

function pair(
  target: MetricTarget | undefined,
  current: MetricValueStatus | undefined,
  averageNote = '',
): string {
  if (target?.averageValue !== undefined) {
    return `${current?.averageValue ?? UNKNOWN}/${target.averageValue}${averageNote}`;
  }
  if (target?.averageUtilization !== undefined) {
    const used = current?.averageUtilization;
    return `${used === undefined ? UNKNOWN : `${used}%`}/${target.averageUtilization}%`;
  }
  return `${current?.value ?? UNKNOWN}/${target?.value ?? '<auto>'}`;
}

const UNKNOWN = '<unknown>';
const SHOWN_MAX = 2;
