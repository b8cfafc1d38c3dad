import { parentPort } from 'node:worker_threads';
import type { YamlReply, YamlTask } from './yaml-converter.ts';
import { jsonToYaml, yamlToJson } from './yaml-text.ts';

/** The script of the thread: converts one text after another. */
parentPort?.on('message', (task: YamlTask) => parentPort?.postMessage(convert(task)));

function convert({ to, text }: YamlTask): YamlReply {
  try {
    if (to === 'yaml') return { text: jsonToYaml(text), duplicates: [] };
    const { json, duplicates } = yamlToJson(text);
    return { text: json, duplicates };
  } catch (error) {
    return { error: String((error as Error).message) };
  }
}
