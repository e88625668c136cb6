/**
 * Which tests a test file has, as far as its text tells: vitest would have to run the file to tell more.
 */

/** Calls that declare a test: `it`, `it.effect`, `clusterTest`, `it.each(…)`. Not `describe`, nor a test that is skipped. */
const declaring = /^(?:it|test)(?:\.(?:effect|live|prop|scoped))*$|^\w+Test$/
const call = /([\w.]+|\))\s*\(\s*("(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`|[a-z]\w*\s*,)/g

const escaped = (text: string): string => text.replace(/[$()*+.?[\\\]^{|}]/g, "\\$&")

/**
 * Whether a name with holes (`${what}` in a template, `%s` of `it.each`) can become `name`: what fills a hole must stand
 * in the file.
 */
const becomes = (pattern: string, name: string, text: string): boolean => {
  const fixed = pattern.split(/\$\{(?:[^{}]|\{[^{}]*\})*\}|%[a-z]/)
  const filled = new RegExp(`^${fixed.map(escaped).join("(.*)")}$`, "s").exec(name)
  if (filled === null) return false
  // Digits may be grouped in code: 20_000.
  const code = text.replaceAll("_", "")
  return filled.slice(1).every((hole) => code.includes(hole.replaceAll("_", "")))
}

const unquoted = (literal: string): string =>
  literal.startsWith("\"") ? JSON.parse(literal) as string : literal.slice(1, -1).replaceAll("\\`", "`")

/** Whether a file with this text has a test of this name. */
export const has = (text: string, name: string): boolean => {
  let named = false
  for (const [, callee = "", first = ""] of text.matchAll(call)) {
    const each = callee === ")"
    if (!each && !declaring.test(callee)) continue
    if (!first.startsWith("\"") && !first.startsWith("`")) {
      // The name is a variable, so it is somewhere else in the file, as a text of its own.
      named ||= !each
    } else if (first.startsWith("`") || each ? becomes(unquoted(first), name, text) : unquoted(first) === name) {
      return true
    }
  }
  return named && text.includes(JSON.stringify(name))
}
