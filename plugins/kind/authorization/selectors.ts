import {
  ApiError,
  type authorizationV1,
  escapeFieldValue,
  parseFieldSelector,
  parseLabelSelector,
} from 'kernetes/sdk';

/** Selectors as a list has them, and which of them are not told in full. */
export interface Selectors {
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
  readonly ignored: readonly string[];
}

/**
 * What cannot be read is left out: the authorizers are then asked about more than was meant, never
 * about less.
 */
export function selectorsOf(attributes: authorizationV1.ResourceAttributes): Selectors {
  const fields = fieldSelectorOf(attributes.fieldSelector);
  const labels = labelSelectorOf(attributes.labelSelector);
  return {
    ...(fields.text && { fieldSelector: fields.text }),
    ...(labels.text && { labelSelector: labels.text }),
    ignored: [
      ...(fields.complete ? [] : ['spec.resourceAttributes.fieldSelector']),
      ...(labels.complete ? [] : ['spec.resourceAttributes.labelSelector']),
    ],
  };
}

interface Read {
  readonly text: string;
  readonly complete: boolean;
}

function fieldSelectorOf(given: authorizationV1.FieldSelectorAttributes | undefined): Read {
  const { rawSelector = '', requirements = [] } = given ?? {};
  if (rawSelector) return readable(rawSelector, parseFieldSelector);
  const terms = requirements.flatMap(({ key, operator, values = [] }) => {
    const [value] = values;
    const sign = { In: '=', NotIn: '!=' }[operator];
    if (sign === undefined || value === undefined || values.length !== 1) return [];
    return [`${key}${sign}${escapeFieldValue(value)}`];
  });
  return { text: terms.join(','), complete: terms.length === requirements.length };
}

function labelSelectorOf(given: authorizationV1.LabelSelectorAttributes | undefined): Read {
  const { rawSelector = '', requirements = [] } = given ?? {};
  if (rawSelector) return readable(rawSelector, parseLabelSelector);
  const terms = requirements.flatMap(({ key, operator, values = [] }) => {
    if (operator === 'Exists') return [key];
    if (operator === 'DoesNotExist') return [`!${key}`];
    const word = { In: 'in', NotIn: 'notin' }[operator];
    return word === undefined ? [] : [`${key} ${word} (${values.join(',')})`];
  });
  const { text, complete } = readable(terms.join(','), parseLabelSelector);
  return { text, complete: complete && terms.length === requirements.length };
}

function readable(text: string, parse: (text: string) => unknown): Read {
  try {
    parse(text);
    return { text, complete: true };
  } catch (error) {
    if (!ApiError.is(error, 'BadRequest')) throw error;
    return { text: '', complete: false };
  }
}
