# Run by cpack when the package's files lie in its folder: what Debian asks of a package beside them. The manual page is
# compressed, the licence and the changes are where its policy has them.
file(GLOB PREFIX ${CPACK_TEMPORARY_DIRECTORY}/*/usr)
if(NOT EXISTS "${PREFIX}/bin/ghostvk")
    message(FATAL_ERROR "There is no program in ${CPACK_TEMPORARY_DIRECTORY}.")
endif()
set(DOCUMENTS ${PREFIX}/share/doc/ghostvk)

file(READ ${CPACK_GVK_SOURCE}/LICENSE LICENSE)
string(REGEX REPLACE "^MIT License\n+Copyright[^\n]*\n+" "" LICENSE "${LICENSE}")
string(REGEX REPLACE "\n+$" "" LICENSE "${LICENSE}")
string(REPLACE "\n\n" "\n.\n" LICENSE "${LICENSE}")
string(REPLACE "\n" "\n " LICENSE "${LICENSE}")
# The names of ImageNet's classes are WordNet's, whose notice stays with them.
file(STRINGS ${CPACK_GVK_SOURCE}/cli/classes/imagenet.txt WORDNET REGEX "^#")
string(REGEX REPLACE "^.*# WordNet Release 3.0;" "# WordNet Release 3.0;" WORDNET "${WORDNET}")
string(REPLACE ";#" "\n" WORDNET "${WORDNET}")
string(REGEX REPLACE "^# " " " WORDNET "${WORDNET}")
string(REGEX REPLACE "\n *\n" "\n .\n" WORDNET "${WORDNET}")
file(WRITE ${DOCUMENTS}/copyright "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: ghostvk

Files: *
Copyright: 2026 the ghostvk authors
License: Expat

Files: cli/classes/imagenet.txt
Copyright: 2006 Princeton University
License: WordNet

License: Expat
 ${LICENSE}

License: WordNet
${WORDNET}
")

# Its date is that of the sources, so that the same sources give the same package.
file(STRINGS ${CPACK_GVK_WORDS}/build_description.h DATE REGEX "GVK_BUILD_DATE")
string(REGEX MATCH "[0-9]+-[0-9]+-[0-9]+" DATE "${DATE}")
execute_process(COMMAND ${CMAKE_COMMAND} -E env LC_ALL=C date -u -d ${DATE} -R OUTPUT_VARIABLE DATE
    OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
file(WRITE ${DOCUMENTS}/changelog "ghostvk (${CPACK_PACKAGE_VERSION}) unstable; urgency=medium

  * This release; the project's CHANGELOG.md tells of it.

 -- ${CPACK_DEBIAN_PACKAGE_MAINTAINER}  ${DATE}
")
# Debian's zsh looks for the functions of packages here.
file(MAKE_DIRECTORY ${PREFIX}/share/zsh/vendor-completions)
file(RENAME ${PREFIX}/share/zsh/site-functions/_ghostvk ${PREFIX}/share/zsh/vendor-completions/_ghostvk)
file(REMOVE_RECURSE ${PREFIX}/share/zsh/site-functions)

file(REMOVE ${DOCUMENTS}/imagenet.txt ${DOCUMENTS}/LICENSE) # they are in copyright

execute_process(COMMAND gzip -9nf ${DOCUMENTS}/changelog ${PREFIX}/share/man/man1/ghostvk.1 COMMAND_ERROR_IS_FATAL ANY)
