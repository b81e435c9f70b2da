/** Names between marks, as models write them that were trained on boxes: `<ref>dog</ref><box>...</box>`. */

/**
 * Each name and what follows it, up to the next name; a name without its end is left out. Takes as long as the text,
 * whatever is in it: an answer that loops may be megabytes of opening marks.
 */
export function markedNames(text: string, start: string, end: string): (readonly [name: string, rest: string])[] {
  return text
    .split(start)
    .slice(1)
    .flatMap((part) => {
      const at = part.indexOf(end);
      return at < 0 ? [] : [[part.slice(0, at), part.slice(at + end.length)] as const];
    });
}
