import { definePoint } from './extension.ts';

/**
 * A part of the control plane that says how it is, for ComponentStatus: `scheduler`,
 * `controller-manager`. The contribution bears the component's name.
 */
export interface Component {
  /** Resolves with what it says when it is well; rejects when it is not. */
  check(): string | Promise<string>;
}

export const componentPoint = definePoint<Component>({
  name: 'component',
  combine: 'unique',
  methods: ['check'],
});
