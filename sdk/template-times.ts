import { rewritten } from './earlier-kind.ts';
import type { KubeObject } from './kind.ts';
import type { EarlierKind } from './kind-definition.ts';

/** Up to 1.33, `creationTimestamp` was null in templates, which nobody creates. */
export function withTemplateTimes<T extends KubeObject>(
  templates: (object: T) => readonly (Template | undefined)[],
): EarlierKind<T> {
  return rewritten(33, object => {
    for (const template of templates(object)) {
      if (template === undefined) continue;
      template.metadata = { creationTimestamp: null, ...template.metadata } as object;
    }
  });
}

interface Template {
  metadata?: object;
}
