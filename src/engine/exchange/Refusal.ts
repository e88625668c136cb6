/**
 * How a vetoed list is refused on the wire. The protocol has one error message, a text; ours begins in a way that our
 * side recognises, so that a join fails with the reason as a value. A Go joiner shows the whole text, after
 * `remote error: `.
 *
 * @since 0.1.0
 */

const PREFIX = "join rejected: "

/** The longest text sent and taken over, in UTF-16 units; the rest is cut off. */
export const MAX_LENGTH = 1024

const cut = (text: string): string => text.length <= MAX_LENGTH ? text : `${text.slice(0, MAX_LENGTH)}…`

/** The error message for a veto. */
export const encode = (reason: string): string => PREFIX + cut(reason)

/** What an error message says: the reason of a veto, or anything else. */
export const decode = (text: string): { readonly vetoed: boolean; readonly text: string } =>
  text.startsWith(PREFIX)
    ? { vetoed: true, text: cut(text.slice(PREFIX.length)) }
    : { vetoed: false, text: cut(text) }
