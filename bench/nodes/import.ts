/** The library imported, and nothing done with it. */
import "effect-memberlist"
import { serve } from "../child/Commands.ts"

serve({})
