/**
 * The written form of a seed: `[name/]host[:port]`. memberlist: `resolveAddr`.
 *
 * @since 0.1.0
 */
/**
 * The parts of a seed.
 *
 * @category models
 * @since 0.1.0
 */
export interface SeedText {
  /** What the user wrote. */
  readonly text: string
  /** The node name that was given, if any. */
  readonly name: string | undefined
  /** A host name or an IP literal, without brackets. */
  readonly host: string
  readonly port: number
}

/**
 * What a seed is, in words.
 *
 * @category getters
 * @since 0.1.0
 */
export const expected = "\"[name/]host[:port]\", with the port in 0‥65535 and an IPv6 address with port in brackets"

/**
 * Whether the text carries a port: after the bracket, or after its only colon (a bare IPv6 address has none).
 *
 * @category guards
 * @since 0.1.0
 */
export const hasPort = (text: string): boolean =>
  text.startsWith("[") ? text.includes("]:") : text.indexOf(":") !== -1 && text.indexOf(":") === text.lastIndexOf(":")

const splitPort = (text: string, defaultPort: number): readonly [host: string, port: string] => {
  if (!hasPort(text)) {
    return [text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text, String(defaultPort)]
  }
  const at = text.lastIndexOf(":")
  const host = text.slice(0, at)
  return [host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host, text.slice(at + 1)]
}

/**
 * Reads a seed; a missing port is `defaultPort`. `undefined` for what is none.
 *
 * @category constructors
 * @since 0.1.0
 */
export const parse = (text: string, defaultPort: number): SeedText | undefined => {
  const slash = text.indexOf("/")
  const name = slash === -1 ? undefined : text.slice(0, slash)
  const [host, port] = splitPort(text.slice(slash + 1), defaultPort)
  const valid = name !== "" && host !== "" && !/[[\]/\s]/.test(host) && /^\d{1,5}$/.test(port) && Number(port) <= 65535
  return valid ? { text, name, host, port: Number(port) } : undefined
}
