/* What wine 10's ucrtbase does not export and NumPy imports: parts of complex numbers.
   For trying Windows programs in wine; never part of an installer.
   By Windows' convention eight bytes (_Fcomplex) come in a register, sixteen (_Dcomplex) by address. */

typedef struct { double parts[2]; } pair;

static float part(unsigned long long number, int index) {
    union { unsigned long long whole; float parts[2]; } split = { number };
    return split.parts[index];
}

float complex_crealf(unsigned long long number) { return part(number, 0); }
float complex_cimagf(unsigned long long number) { return part(number, 1); }
double complex_creal(const pair *number) { return number->parts[0]; }
double complex_cimag(const pair *number) { return number->parts[1]; }

int DllMain(void *module, unsigned reason, void *reserved) { return 1; }
