/* icuuc.dll, which Windows 10 has, wine 10 has not and Qt imports: says that it has no converter, so that
   Qt does without. For trying Windows programs in wine; never part of an installer. */

#define CONVERTER(name) __declspec(dllexport) void *name(void) { return 0; }

CONVERTER(ucnv_open)
CONVERTER(ucnv_close)
CONVERTER(ucnv_countAvailable)
CONVERTER(ucnv_getAvailableName)
CONVERTER(ucnv_getName)
CONVERTER(ucnv_getStandardName)
CONVERTER(ucnv_getMaxCharSize)
CONVERTER(ucnv_fromUnicode)
CONVERTER(ucnv_toUnicode)
CONVERTER(ucnv_fromUCountPending)
CONVERTER(ucnv_toUCountPending)
CONVERTER(ucnv_getFromUCallBack)
CONVERTER(ucnv_setFromUCallBack)
CONVERTER(ucnv_getToUCallBack)
CONVERTER(ucnv_setToUCallBack)
CONVERTER(ucnv_cbFromUWriteUChars)
CONVERTER(ucnv_cbToUWriteUChars)

int DllMain(void *module, unsigned reason, void *reserved) { return 1; }
