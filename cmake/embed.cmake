# cmake -DINPUT=file -DOUTPUT=file.cc -DNAMESPACE=a::b -DSYMBOL=kName -P embed.cmake
# Writes a source file with the bytes of INPUT as `const unsigned char kName[]` and `size_t kNameSize`.
file(READ ${INPUT} bytes HEX)
string(LENGTH "${bytes}" digits)
math(EXPR size "${digits} / 2")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
file(WRITE ${OUTPUT} "#include <cstddef>
namespace ${NAMESPACE} {
extern const unsigned char ${SYMBOL}[];
extern const size_t ${SYMBOL}Size;
const unsigned char ${SYMBOL}[] = {${bytes}};
const size_t ${SYMBOL}Size = ${size};
}
")
