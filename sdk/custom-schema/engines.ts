import type { Cel } from '../cel/cel.ts';
import { loadCel } from '../cel/cel.ts';
import { isSchema, type JSONSchemaProps, subschemas } from './properties.ts';

/**
 * The libraries that a schema may need. They are heavy, and most clusters have no schema that needs
 * them: they are loaded, which takes a while, before what works synchronously is called.
 */
export class SchemaEngines {
  #patterns: PatternEngine | undefined;
  #cel: Cel | undefined;

  /** Loads what these schemas need and is not there yet. */
  async load(schemas: Iterable<unknown>): Promise<void> {
    const needs = { pattern: false, rules: false };
    for (const schema of schemas) findNeeds(schema, needs, 0);
    if (needs.pattern) this.#patterns ??= await loadPatterns();
    if (needs.rules) this.#cel ??= await loadCel();
  }

  /** Throws when `load` was not asked for a schema with a pattern. */
  get patterns(): PatternEngine {
    if (this.#patterns) return this.#patterns;
    throw new Error('Cannot compile a pattern: the library is not loaded');
  }

  /** Throws when `load` was not asked for a schema with rules. */
  get cel(): Cel {
    if (this.#cel) return this.#cel;
    throw new Error('Cannot compile a rule: the library is not loaded');
  }
}

/**
 * Regular expressions of users, as RE2 understands them: in time linear in the text, whatever the
 * expression. JavaScript's own could be made to run for hours.
 */
export interface PatternEngine {
  /** Whether the pattern is found anywhere in a text. Throws an Error on what RE2 refuses. */
  compile(pattern: string): (text: string) => boolean;
}

async function loadPatterns(): Promise<PatternEngine> {
  const { RE2JS } = await import('re2js');
  // The same few patterns are in many schemas, and each is compiled to check its definition first.
  const known = new Map<string, (text: string) => boolean>();
  return {
    compile(pattern) {
      let test = known.get(pattern);
      if (test === undefined) {
        const compiled = RE2JS.compile(pattern);
        test = text => compiled.test(text);
        if (known.size >= PATTERNS_MAX) known.clear();
        known.set(pattern, test);
      }
      return test;
    },
  };
}

/** A compiled pattern is a few kilobytes. */
const PATTERNS_MAX = 1000;

interface Needs {
  pattern: boolean;
  rules: boolean;
}

function findNeeds(schema: unknown, needs: Needs, depth: number): void {
  if (!isSchema(schema) || depth > DEPTH_MAX || (needs.pattern && needs.rules)) return;
  const { pattern, 'x-kubernetes-validations': rules }: JSONSchemaProps = schema;
  if (pattern) needs.pattern = true;
  if (rules?.length) needs.rules = true;
  for (const { schema: child } of subschemas(schema)) findNeeds(child, needs, depth + 1);
}

/** What nests deeper is refused by validation. */
const DEPTH_MAX = 500;
