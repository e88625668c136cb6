/**
 * Text of others, for people. Names, reasons and error messages come from the network, and whoever reads a log or a
 * terminal must see what is there: characters that steer a terminal, turn the direction of writing, end a line or
 * cannot be seen are written as their code point (`\u{1b}`), and what is long is cut in the middle.
 *
 * For data (fields, events, the wire) nothing is changed: this is the last step before text is shown.
 *
 * @since 0.1.0
 */

/**
 * Characters kept of a name.
 *
 * @category limits
 * @since 0.1.0
 */
export const MAX_NAME = 64

/**
 * Characters kept of a sentence: a reason, an error message. A peer's reason, which is cut to 1,024 when it arrives,
 * fits with what stands before it.
 *
 * @category limits
 * @since 0.1.0
 */
export const MAX_SENTENCE = 1280

/**
 * Controls (ESC and its like, C0, C1, DEL), formats (bidirectional controls, zero-width characters, tags), separators
 * of lines and paragraphs, halves of surrogate pairs, and the letters that have no shape.
 */
const hidden = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\u034f\u115f\u1160\u3164\uffa0]/gu

const visible = (character: string): string => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`

/** Start and end, because the names of a set of machines often differ in their ends. */
const cut = (text: string, max: number): string => {
  const end = max >>> 2
  return `${text.slice(0, max - end)}…${text.slice(text.length - end)} (${text.length} characters)`
}

/**
 * The text with everything hidden made visible, in one line, and cut to about `max` characters. It is cut first: how
 * long a text is decides nothing about what it costs.
 */
const show = (text: string, max: number): string => (text.length > max ? cut(text, max) : text).replace(hidden, visible)

/**
 * Returns a name as it can be shown.
 *
 * @category conversions
 * @since 0.1.0
 */
export const name = (text: string): string => show(text, MAX_NAME)

/**
 * Returns a reason, an address or an error message as it can be shown.
 *
 * @category conversions
 * @since 0.1.0
 */
export const sentence = (text: string): string => show(text, MAX_SENTENCE)

/** JSON knows code units only. */
const unit = (character: string): string =>
  Array.from({ length: character.length }, (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`)
    .join("")

/**
 * Returns a value as JSON that can be shown: it is read back as the same value.
 *
 * @category conversions
 * @since 0.1.0
 */
export const json = (value: unknown): string => JSON.stringify(value).replace(hidden, unit)

/**
 * Returns an error that tells a user what to change, without the list of our own functions: its stack is its message
 * alone.
 *
 * @category conversions
 * @since 0.1.0
 */
export const withoutTrace = <E extends Error>(error: E): E => {
  error.stack = `${error.name}: ${error.message}`
  return error
}

/**
 * Returns a text without an address that stands beside it. Node.js writes IPv6 addresses without brackets.
 *
 * @category conversions
 * @since 0.1.0
 */
export const without = (text: string, address: string): string =>
  [address, address.replace(/^\[(.*)\]/, "$1")].reduce(
    (left, repeated) => repeated === "" ? left : left.replace(` ${repeated}`, ""),
    text
  )

/**
 * Whether a message names a seed, with or without its port.
 *
 * @category guards
 * @since 0.1.0
 */
export const mentions = (message: string, seed: string): boolean =>
  message.split(/[\s"(),;]+/).some((word) => word === seed || word.startsWith(`${seed}:`))
