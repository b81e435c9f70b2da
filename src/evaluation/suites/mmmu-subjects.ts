/** MMMU's thirty subjects by domain. */

export const subjectsByDomain: ReadonlyMap<string, readonly string[]> = new Map([
  ['Art and Design', ['Art', 'Art_Theory', 'Design', 'Music']],
  ['Business', ['Accounting', 'Economics', 'Finance', 'Manage', 'Marketing']],
  ['Science', ['Biology', 'Chemistry', 'Geography', 'Math', 'Physics']],
  [
    'Health and Medicine',
    ['Basic_Medical_Science', 'Clinical_Medicine', 'Diagnostics_and_Laboratory_Medicine', 'Pharmacy', 'Public_Health'],
  ],
  ['Humanities and Social Science', ['History', 'Literature', 'Sociology', 'Psychology']],
  [
    'Tech and Engineering',
    [
      'Agriculture',
      'Architecture_and_Engineering',
      'Computer_Science',
      'Electronics',
      'Energy_and_Power',
      'Materials',
      'Mechanical_Engineering',
    ],
  ],
]);

/** `validation_Art_Theory_12` -> `Art_Theory` */
export const subjectOf = (id: string): string => id.split('_').slice(1, -1).join('_');
