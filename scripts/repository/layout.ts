/**
 * What a listing of the library's files is to tell: few files a folder, and no two names that a reader could take for each
 * other. Functions from the list of files to complaints; `scripts/check-repository.ts` reads the list.
 */

/** The most source files in one folder. The root of `src` has what users import, and is exempt. */
export const MAX_FILES = 14

const folderOf = (file: string): string => file.slice(0, file.lastIndexOf("/"))
const nameOf = (file: string): string => file.slice(file.lastIndexOf("/") + 1).replace(/\.ts$/, "")

const isInside = (file: string): boolean => file.startsWith("src/") && file.endsWith(".ts") && folderOf(file) !== "src"

/** Tells of folders in the library that have too many files. */
export const folders = (files: ReadonlyArray<string>): ReadonlyArray<string> => {
  const counts = new Map<string, number>()
  for (const file of files.filter(isInside)) counts.set(folderOf(file), (counts.get(folderOf(file)) ?? 0) + 1)
  return [...counts].flatMap(([folder, count]) =>
    count > MAX_FILES ? [`${folder}: ${count} files, of at most ${MAX_FILES}: a listing should tell the protocol`] : []
  )
}

/** What remains of a name without an ending that makes another word of the same thing. */
const stem = (name: string): string => name.replace(/(ations?|ions?|ings?|ers?|ors?|ness|ed|es|s|e|r)$/, "")

/** Tells of names in the library that are the same, or differ by an ending alone. */
export const names = (files: ReadonlyArray<string>): ReadonlyArray<string> => {
  const byStem = new Map<string, string>()
  return files.filter((file) => isInside(file) && nameOf(file) !== "index").flatMap((file) => {
    const key = stem(nameOf(file))
    const other = byStem.get(key)
    if (other === undefined) {
      byStem.set(key, file)
      return []
    }
    return [`${file}: its name is that of ${other}, or differs by an ending alone`]
  })
}
