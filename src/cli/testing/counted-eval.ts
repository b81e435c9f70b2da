/**
 * `chatrex eval` that says what it asks of the model: `counted-eval.ts WORDS...` writes a line for each question on
 * standard output before the model gets it, so that a test can count them and kill the process in the middle.
 */

import { writeSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { ModelSubject } from '../../evaluation/model-subject.ts';
import { runProgram } from '../program.ts';

/** What `eval coco` and `eval regions` ask of a model. */
const questions = ['detect', 'nameRegion'] as const;

/**
 * Tells of every question from now on; the model is asked as before.
 * @returns what ends that
 */
export function tellOfQuestions(tell: (question: string) => void): () => void {
  const own = questions.map((name) => [name, ModelSubject.prototype[name]] as const);
  for (const [name, ask] of own) {
    Object.defineProperty(ModelSubject.prototype, name, {
      configurable: true,
      writable: true,
      value(this: ModelSubject, ...given: never[]) {
        const [view, what, which] = given as unknown as [{ sample: { id: string } }, unknown, unknown];
        tell(`${view.sample.id} ${JSON.stringify(name === 'detect' ? what : which)}`);
        return Reflect.apply(ask, this, given);
      },
    });
  }
  return () => {
    for (const [name, ask] of own) Object.defineProperty(ModelSubject.prototype, name, { value: ask });
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  // At once, not when the process comes to it: it is killed.
  tellOfQuestions((question) => writeSync(1, `${question}\n`));
  void runProgram(process.argv.slice(2));
}
