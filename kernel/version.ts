/** Of the program, its package and its SDK. */
export const VERSION = '0.1.0';
