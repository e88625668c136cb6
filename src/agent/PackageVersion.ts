/**
 * The version of this package; a test compares it with `package.json`.
 *
 * @since 0.1.0
 */
export const VERSION = "0.1.0"
