/** A template that cannot be parsed or executed. Callers turn it into a FleetError that names the field it came from. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError';
  /** Argo CD tells a missing key from other failures when it interpolates the `values` of a matrix's second generator. */
  readonly missingKey: boolean;
  constructor(message: string, options: { missingKey?: boolean; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.missingKey = options.missingKey ?? false;
  }
}
