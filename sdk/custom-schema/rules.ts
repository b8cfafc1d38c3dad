import { isDeepStrictEqual } from 'node:util';
import type { ValidationRule } from '../api/types-apiextensions-v1.ts';
import {
  CEL_REQUEST_COST_MAX,
  type CelBudget,
  CelCostError,
  CelEvaluationError,
  type CelProgram,
} from '../cel/cel.ts';
import { duplicate, forbiddenValue, invalidValue, required } from '../field-path.ts';
import type { Schema } from '../schema.ts';
import type { FieldError } from '../status.ts';
import type { SchemaEngines } from './engines.ts';
import { correlate } from './list-types.ts';
import { isSchema, itemsOf, type JSONSchemaProps, propertyOf, valuesOf } from './properties.ts';
import { type CompiledRule, compileRule, type OldOptional } from './rule.ts';
import { pathText } from './value-path.ts';

/** Checks a value, and a change of it where there was one before, by the rules of its schema. */
export type RuleChecker = (value: unknown, old: unknown) => FieldError[];

/** Undefined: the schema has no rules. Throws `CelCompileError` on one that is none. */
export function compileRules(
  props: JSONSchemaProps,
  structure: Schema,
  engines: SchemaEngines,
): RuleChecker | undefined {
  const node = compileNode(props, structure, { engines, isRoot: true });
  if (node === undefined) return undefined;
  return (value, old) => {
    const walk: Walk = {
      path: [],
      errors: [],
      budget: { limit: CEL_REQUEST_COST_MAX, spent: 0 },
      isOver: false,
    };
    checkNode(node, value, old, walk);
    return walk.errors;
  };
}

interface Node {
  readonly props: JSONSchemaProps;
  readonly rules: readonly CompiledRule[];
  readonly properties: ReadonlyMap<string, Node>;
  readonly values: Node | undefined;
  readonly items: Node | undefined;
}

interface Walk {
  readonly path: (string | number)[];
  readonly errors: FieldError[];
  readonly budget: CelBudget;
  /** The budget is spent, or a rule ran away: nothing more is looked at. */
  isOver: boolean;
}

interface NodeOptions {
  readonly engines: SchemaEngines;
  readonly isRoot: boolean;
}

function compileNode(
  props: JSONSchemaProps,
  structure: Schema,
  { engines, isRoot }: NodeOptions,
): Node | undefined {
  const isResource = isRoot || props['x-kubernetes-embedded-resource'] === true;
  const type = { schema: structure, resource: isResource };
  const rules = (props['x-kubernetes-validations'] ?? []).map(rule =>
    compileRule(rule, type, engines.cel),
  );
  const below = (child: JSONSchemaProps | undefined, schema: Schema | undefined) =>
    child && schema ? compileNode(child, schema, { engines, isRoot: false }) : undefined;
  const properties = new Map<string, Node>();
  for (const name of Object.keys(props.properties ?? {})) {
    if (isResource && METADATA.has(name)) continue;
    const node = below(propertyOf(props, name), structure.properties.get(name));
    if (node) properties.set(name, node);
  }
  const values = below(valuesOf(props), structure.additionalProperties);
  const items = below(itemsOf(props), structure.items);
  if (rules.length + properties.size === 0 && !values && !items) return undefined;
  return { props, rules, properties, values, items };
}

const METADATA = new Set(['apiVersion', 'kind', 'metadata']);

function checkNode(node: Node, value: unknown, old: unknown, walk: Walk): void {
  if (value === undefined || value === null || walk.isOver) return;
  for (const rule of node.rules) {
    checkRule(rule, node, { value, old }, walk);
    if (walk.isOver) return;
  }
  if (Array.isArray(value)) checkItems(node, value, old, walk);
  else if (isSchema(value)) checkFields(node, value, old, walk);
}

function checkFields(node: Node, value: object, old: unknown, walk: Walk): void {
  const isAtomic = node.props['x-kubernetes-map-type'] === 'atomic';
  for (const [name, each] of Object.entries(value)) {
    const child = node.properties.get(name) ?? node.values;
    if (child === undefined) continue;
    const before =
      !isAtomic && isSchema(old) && Object.hasOwn(old, name)
        ? (old as Record<string, unknown>)[name]
        : undefined;
    walk.path.push(name);
    checkNode(child, each, before, walk);
    walk.path.pop();
  }
}

function checkItems(node: Node, value: readonly unknown[], old: unknown, walk: Walk): void {
  const { items, props } = node;
  if (items === undefined) return;
  const oldOf = correlate(props, old);
  for (const [i, each] of value.entries()) {
    walk.path.push(i);
    checkNode(items, each, oldOf(each), walk);
    walk.path.pop();
  }
}

interface Change {
  readonly value: unknown;
  readonly old: unknown;
}

function checkRule(compiled: CompiledRule, node: Node, change: Change, walk: Walk): void {
  const { rule, program, usesOld, optional } = compiled;
  if (usesOld && change.old === undefined && !optional) return;
  const type = node.props.type ?? '';
  const at = pathText(walk.path);
  const refuse = (why: string) => walk.errors.push(invalidValue(at || '<nil>', type, why));
  try {
    const variables = variablesOf(change, optional, walk.budget);
    if (program.evaluate(variables, walk.budget) === true) return;
    // What was so before and is the same still is let through.
    if (!usesOld && change.old !== undefined && isDeepStrictEqual(change.value, change.old)) return;
    const detail = messageOf(compiled, variables, walk.budget);
    walk.errors.push(errorFor(rule, { at, type, detail }));
  } catch (error) {
    if (!(error instanceof CelEvaluationError)) throw error;
    const text = rule.message?.trim() || rule.rule.trim();
    walk.isOver = error instanceof CelCostError;
    if (walk.budget.spent >= walk.budget.limit) {
      refuse(
        'validation failed due to running out of cost budget, no further validation rules will be run',
      );
    } else if (walk.isOver) {
      refuse(
        `'${error.message}': no further validation rules will be run due to call cost exceeds limit for rule: ${text}`,
      );
    } else if (error.message.startsWith('no such overload')) {
      refuse(
        `'${error.message}': call arguments did not match a supported operator, function or macro signature for rule: ${text}`,
      );
    } else refuse(`${error.message} evaluating rule: ${text}`);
  }
}

function variablesOf(
  { value, old }: Change,
  optional: OldOptional | undefined,
  budget: CelBudget,
): Record<string, unknown> {
  if (optional === undefined)
    return old === undefined ? { self: value } : { self: value, oldSelf: old };
  const oldSelf =
    old === undefined ? optional.none.evaluate({}, budget) : optional.of.evaluate({ old }, budget);
  return { self: value, oldSelf };
}

function messageOf(
  { rule, message }: CompiledRule,
  variables: Readonly<Record<string, unknown>>,
  budget: CelBudget,
): string {
  const own = message === undefined ? '' : evaluateMessage(message, variables, budget);
  return own || rule.message?.trim() || `failed rule: ${rule.rule.trim()}`;
}

/** Empty: the rule's own message stands in. */
function evaluateMessage(
  program: CelProgram,
  variables: Readonly<Record<string, unknown>>,
  budget: CelBudget,
): string {
  try {
    const text = program.evaluate(variables, budget);
    if (typeof text !== 'string') return '';
    const trimmed = text.trim();
    return trimmed.includes('\n') || trimmed.length > MESSAGE_LENGTH_MAX ? '' : trimmed;
  } catch (error) {
    if (error instanceof CelCostError || !(error instanceof CelEvaluationError)) throw error;
    return '';
  }
}

const MESSAGE_LENGTH_MAX = 5 * 1024;

interface Found {
  readonly at: string;
  readonly type: string;
  readonly detail: string;
}

function errorFor({ reason, fieldPath }: ValidationRule, { at, type, detail }: Found): FieldError {
  const place =
    [at, fieldPath?.trim().replace(/^\./, '') ?? ''].filter(Boolean).join('.') || '<nil>';
  switch (reason) {
    case 'FieldValueForbidden':
      return forbiddenValue(place, detail);
    case 'FieldValueRequired':
      return required(place, detail);
    case 'FieldValueDuplicate':
      return duplicate(place, type);
    default:
      return invalidValue(place, type, detail);
  }
}
