import { definePoint } from './extension.ts';

/**
 * A sub-command of the `kernetes` program that knows kinds of Kubernetes, contributed by the plugin
 * `command.<name>`. It runs in the program of who calls it, against any API server that a kubeconfig
 * names, with that user's rights; there is no cluster around it, so its plugin's `activate` gets a
 * context that has only `name` and `provide`.
 */
export interface CommandDefinition {
  /** `explain` */
  readonly name: string;
  /** One line. */
  readonly description: string;
  /** In their order. An optional one is followed by optional ones only. */
  readonly arguments: readonly CommandArgument[];
  readonly options: readonly CommandOption[];
  /** Throws what the user is to read, as one line; the program's exit code is then 1. */
  run(call: CommandCall): Promise<void>;
}

export interface CommandArgument {
  readonly name: string;
  readonly description: string;
  readonly optional?: boolean;
}

export interface CommandOption {
  /** `-o, --output <format>`; without `<…>` it is a switch. Its name is the long one: `output`. */
  readonly flags: string;
  readonly description: string;
  readonly default?: string;
}

export interface CommandCall {
  /** By name; undefined: not given. */
  readonly arguments: Readonly<Record<string, string | undefined>>;
  /** By name; of switches `true` or undefined. */
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
  /** Of `--namespace`, or of the kubeconfig's context, or `default`. */
  readonly namespace: string;
  /** GET of a path of the API server. Rejects with `ApiError` for a Status, and when it is not there. */
  get(path: string): Promise<unknown>;
  /** To standard output, with a line's end. */
  print(text: string): void;
}

export const commandPoint = definePoint<CommandDefinition>({
  name: 'command',
  combine: 'unique',
  methods: [],
});
