/**
 * Plain words: what a reader of today would stumble over, and the names that tell nothing. A function from a text to
 * complaints; `scripts/check-repository.ts` reads the files.
 */

interface Word {
  readonly found: RegExp
  readonly better: string
}

/** Words of prose and comments. */
const prose: ReadonlyArray<Word> = [
  { found: /\bfor ever\b/i, better: "forever" },
  { found: /\blest\b/i, better: "so that … not" },
  { found: /\boftener\b/i, better: "more often" },
  { found: /\bmend(s|ed|ing)?\b/i, better: "fix" },
  { found: /\bwhom\b/i, better: "who, or the noun itself" },
  { found: /\bhouse\b/i, better: "project" }
]

/** Parts of names in the library. */
const names: ReadonlyArray<Word> = [
  { found: /\b(un)?seat(ed|Of)?\b|Unseated\b/, better: "place" },
  { found: /\boutbid\b/, better: "introduce above an incarnation" },
  { found: /\bSaid\b/, better: "what was announced" },
  { found: /\b(atOnce|afterwards|aside)\b/, better: "what it does" }
]

const found = (file: string, text: string, words: ReadonlyArray<Word>): ReadonlyArray<string> =>
  text.split("\n").flatMap((line, i) =>
    words.flatMap(({ better, found }) => {
      const word = found.exec(line)?.[0]
      return word === undefined ? [] : [`${file}:${i + 1}: "${word}": write ${better}`]
    })
  )

/** Tells of words that are not plain, and in the library of such names. */
export const plain = (file: string, text: string): ReadonlyArray<string> => [
  ...found(file, text, prose),
  ...(file.startsWith("src/") ? found(file, text, names) : [])
]

/** The formatter's width. It wraps code, and leaves comments as they are. */
const WIDTH = 120

/** Tells of lines of source that are longer than the formatter's width. */
export const width = (file: string, text: string): ReadonlyArray<string> =>
  text.split("\n").flatMap((line, i) =>
    line.length > WIDTH && /^\s*(\/\/|\*|\/\*)/.test(line)
      ? [`${file}:${i + 1}: ${line.length} characters, of ${WIDTH}`]
      : []
  )
