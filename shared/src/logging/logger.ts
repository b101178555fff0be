import { type Logger, pino } from 'pino';

export type { Logger } from 'pino';

const secretFields = ['token', 'password', 'secret', 'jwt', 'seed', 'authorization', 'privateKey', 'credentials'];

export interface LoggerOptions {
  /** Process: hub, spoke-agent, cli. */
  name: string;
  level?: string;
  /** Where lines go; standard error unless given. */
  destination?: { write(line: string): void };
}

/** A JSON logger: constant message, everything variable in fields. Fields that name a secret are redacted at two depths. */
export function createLogger(options: LoggerOptions): Logger {
  const paths = secretFields.flatMap((field) => [field, `*.${field}`]);
  return pino(
    {
      name: options.name,
      level: options.level ?? 'info',
      redact: { paths, censor: '[redacted]' },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    options.destination ?? pino.destination({ fd: 2, sync: true }),
  );
}
