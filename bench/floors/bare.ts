/** A Node.js process that does nothing. */
import { serve } from "../child/Commands.ts"

serve({})
